package embedded

import (
	"os"
	"os/exec"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// A session is alive until its process ends or lets go of it.
func TestAttend(t *testing.T) {
	if dir := os.Getenv("CAIRN_TEST_ATTEND"); dir != "" {
		id, err := blockstore.ParseID(os.Getenv("CAIRN_TEST_SESSION"))
		if err == nil {
			_, err = Attend(dir, id)
		}
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("here\n")
		select {}
	}
	dir, mine, other := t.TempDir(), blockstore.NewID(), blockstore.NewID()
	a, err := Attend(dir, mine)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAttend$")
	cmd.Env = append(os.Environ(), "CAIRN_TEST_ATTEND="+dir, "CAIRN_TEST_SESSION="+other.String())
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = out.Read(make([]byte, 5))
	if err != nil || !Attended(dir, mine) || !Attended(dir, other) {
		t.Errorf("sessions that live are taken for dead (%v)", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if Attended(dir, other) {
		t.Error("a session whose process was killed is taken for alive")
	}
	if err := a.Close(); err != nil || Attended(dir, mine) {
		t.Errorf("a session that ended is taken for alive (%v)", err)
	}
	if left, err := os.ReadDir(dir + "/" + sessionsName); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
