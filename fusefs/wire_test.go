package fusefs

import (
	"testing"
	"testing/quick"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

func TestSplitIsExact(t *testing.T) {
	exact := func(at int64) bool {
		sec, nsec := split(namespace.Time(at))
		return nsec < 1e9 && int64(sec)*1e9+int64(nsec) == at
	}
	if err := quick.Check(exact, nil); err != nil {
		t.Error(err)
	}
}

// The sizes are those of the kernel's structures.
func TestReplySizes(t *testing.T) {
	a := &namespace.Attr{}
	for what, c := range map[string]struct{ got, want int }{
		"entry":  {len(appendEntry(nil, 1, 2, 3, a)), 128},
		"attr":   {len(appendAttrOut(nil, 3, a)), 104},
		"open":   {len(appendOpen(nil, 1, 2)), 16},
		"write":  {len(appendSize(nil, 1)), 8},
		"statfs": {len(appendStatfs(nil, &namespace.Usage{})), 80},
		"inode":  {len(notification(nil, place{num: 1}, withContent)), headerSize + 24},
		"name":   {len(notification(nil, place{1, "four"}, attrOnly)), headerSize + 16 + 5},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d bytes, want %d", what, c.got, c.want)
		}
	}
	for n := range namespace.MaxName {
		e := &namespace.Entry{Name: string(make([]byte, n))}
		if got := len(appendDirent(nil, e, 1)); got != direntSize(e.Name) || got%8 != 0 {
			t.Fatalf("dirent of a name of %d bytes: %d bytes, want %d", n, got, direntSize(e.Name))
		}
	}
}

func TestModesRoundTrip(t *testing.T) {
	for k := namespace.File; k <= namespace.Socket; k++ {
		if typeBits(k) == 0 {
			t.Errorf("kind %d has no type", k)
		}
	}
}

func TestParseMount(t *testing.T) {
	const line = `98 29 0:57 / /mnt/my\040files rw,nosuid - fuse.cairn cairn rw,user_id=0` + "\n"
	m, ok := parseMount(line)
	if !ok || m.device != "0:57" || m.point != "/mnt/my files" || !m.isOurs() {
		t.Errorf("parseMount = %+v, %v", m, ok)
	}
	for _, bad := range []string{"", "a b c", "1 2 3 4 5", " - "} {
		if m, ok := parseMount(bad); ok {
			t.Errorf("parseMount(%q) = %+v", bad, m)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	f.Add(`a\040b`)
	f.Add(`\`)
	f.Add(`\99`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := unescape(s); len(got) > len(s) {
			t.Errorf("unescape(%q) = %q", s, got)
		}
	})
}
