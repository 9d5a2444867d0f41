package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cairnfs/cairn/integration/testenv"
)

// past is a row of `cairn history --json`.
type past struct {
	Path, ID, State, By string
	Bytes               int64
}

func history(t *testing.T, e *testenv.Env, path string) []past {
	t.Helper()
	var all []past
	if err := json.Unmarshal([]byte(e.Must("history", path, "--json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestHistory: what was changed and removed through a mount and a gateway is listed
// and brought back, under names of either, while both are at work.
func TestHistory(t *testing.T) {
	e := testenv.New(t)
	e.Must("bucket", "create", "photos")
	m, g := mountAndGateway(e, true)
	c := s3(t, g, 0)
	if err := c.EnableVersioning(t.Context(), "photos"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(m.Dir, "notes")
	write(t, file, []byte("one"))
	c.put("photos", "notes", []byte("number two"))
	until(t, "the mount to show an S3 PUT", func() bool { return string(read(t, file)) == "number two" })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	all := history(t, e, file)
	var states []string
	for _, p := range all {
		states = append(states, p.State)
	}
	if want := []string{"delete marker", "removed", "replaced"}; !slices.Equal(states, want) {
		t.Fatalf("history is %+v, want %q", all, want)
	}
	if all[1].Bytes != 10 || all[1].By != "mount "+m.Dir || all[2].Path != "photos/notes" {
		t.Errorf("history is %+v", all)
	}
	e.Must("restore", file)
	until(t, "the mount to show what was restored", func() bool {
		_, err := os.Stat(file)
		return err == nil && string(read(t, file)) == "number two"
	})
	e.Must("restore", "photos/notes", "--version", all[2].ID, "--to", filepath.Join(m.Dir, "old", "notes"))
	if got := c.get("photos", "old/notes"); string(got) != "one" {
		t.Errorf("restored to another path: %q", got)
	}
	if list := e.Must("trash", "list", "photos", "--json"); list != "[]\n" {
		t.Errorf("the trash has %s", list)
	}
	c.put("photos", "d//x", []byte("odd"))
	if all := history(t, e, filepath.Join(m.Dir, "d", ".s3-name=", "x")); len(all) != 1 || all[0].Path != "photos/d//x" {
		t.Errorf("history of a name that the mount can't show is %+v", all)
	}
	if all := history(t, e, "photos/notes"); len(all) != 4 || all[0].State != "current" {
		t.Errorf("history is %+v", all)
	}
}

// TestHistoryRefusals: what can't be done is said in one line.
func TestHistoryRefusals(t *testing.T) {
	e := testenv.New(t)
	e.Must("bucket", "create", "photos")
	for _, c := range []struct {
		args   []string
		status int
		words  []string
	}{
		{[]string{"history", "photos/none"}, 3, []string{"photos/none"}},
		{[]string{"history", "none/notes"}, 3, []string{"none"}},
		{[]string{"history", filepath.Join(e.Dir, "notes")}, 2, []string{"notes", "BUCKET/KEY"}},
		{[]string{"restore", "photos/none"}, 3, []string{"photos/none"}},
		{[]string{"restore", "photos/none", "--at", "yesterday"}, 2, []string{"yesterday"}},
		{[]string{"restore", "photos/none", "--at", "1h", "--version", "1"}, 2, []string{"version"}},
		{[]string{"trash", "empty", "--older-than", "soon"}, 2, []string{"soon"}},
	} {
		fails(t, e.Cairn(c.args...), c.status, c.words...)
	}
}
