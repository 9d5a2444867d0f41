package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/fusefs"
)

// TestMountHelper: what mount(8) calls becomes a command of ours.
func TestMountHelper(t *testing.T) {
	for _, c := range [][2]string{
		{"/sbin/mount.cairn photos /mnt/p -o rw,store=/data", "mount --daemon photos /mnt/p -o rw,store=/data"},
		{"mount.cairn home /mnt -sn -v", "mount --daemon home /mnt"},
		{"/usr/bin/cairn mount -d home /mnt -o ro", "mount -d home /mnt -o ro"},
	} {
		got := strings.Join(arguments(strings.Fields(c[0])), " ")
		if got != c[1] {
			t.Errorf("%s becomes %q, want %q", c[0], got, c[1])
		}
	}
}

// TestMountOptions: those of fstab, ours, and what is neither.
func TestMountOptions(t *testing.T) {
	a := &app{}
	flags := newRoot(a).PersistentFlags()
	var o fusefs.Options
	list := strings.Split("rw,noatime,_netdev,x-systemd.automount,ro,allow_other,store=/data/cairn,cache-size=1G,", ",")
	if err := mountOptions(list, flags, &o); err != nil {
		t.Fatal(err)
	}
	if !o.ReadOnly || !o.AllowOther || a.storeURL != "/data/cairn" || a.cacheSize != 1<<30 {
		t.Errorf("read only %v, allow other %v, store %s, cache %v", o.ReadOnly, o.AllowOther, a.storeURL, &a.cacheSize)
	}
	for _, bad := range []string{"colour=red", "cache-size=lots", "help"} {
		var u usage
		if err := mountOptions([]string{bad}, flags, &o); !errors.As(err, &u) {
			t.Errorf("option %s: %v", bad, err)
		}
	}
}

// TestReady: whoever waits hears how the start went.
func TestReady(t *testing.T) {
	for _, c := range []struct {
		said string
		want error
	}{
		{readyWord, nil},
		{"4 cairn: mount x: busy (end it)", childFailed{4, "mount x: busy (end it)"}},
	} {
		if err := awaitReady(strings.NewReader(c.said), "log"); !errors.Is(err, c.want) {
			t.Errorf("%q: %v", c.said, err)
		}
	}
	if err := awaitReady(strings.NewReader(""), "the/log"); err == nil || !strings.Contains(err.Error(), "the/log") {
		t.Errorf("a process that says nothing: %v", err)
	}
}

// TestUsers finds this very process by its working directory.
func TestUsers(t *testing.T) {
	if below("/mnt/x", "/mnt/xy") || !below("/mnt/x/y", "/mnt/x") {
		t.Error("below is wrong")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if !holds("/proc/self", dir) {
		t.Error("our own working directory is not found")
	}
	if names := users(dir); slices.Contains(names, "cairn") {
		t.Errorf("users counts its own process: %v", names)
	}
}
