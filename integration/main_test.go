package integration

import (
	"os"
	"testing"

	"github.com/cairnfs/cairn/integration/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Run(m)) }
