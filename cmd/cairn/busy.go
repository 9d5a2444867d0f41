package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// users lists the processes that keep something open below a directory, as
// "bash (pid 42)". Those of other users are seen only by root.
func users(dir string) []string {
	if whole, err := filepath.EvalSymlinks(dir); err == nil {
		dir = whole
	}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	var found []string
	for _, proc := range procs {
		pid := filepath.Base(proc)
		if pid != strconv.Itoa(os.Getpid()) && holds(proc, dir) {
			name, _ := os.ReadFile(proc + "/comm")
			found = append(found, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid))
		}
	}
	return found
}

// listUsers is users as a text.
func listUsers(dir string) string {
	if names := users(dir); len(names) > 0 {
		return strings.Join(names, ", ")
	}
	return "a process of another user"
}

// holds says whether a process has its root, working directory, program, an open
// file or a mapping below dir. It reads links only, which asks nothing of the mount.
func holds(proc, dir string) bool {
	links, _ := filepath.Glob(proc + "/fd/*")
	links = append(links, proc+"/cwd", proc+"/root", proc+"/exe")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && below(target, dir) {
			return true
		}
	}
	maps, _ := os.ReadFile(proc + "/maps")
	return strings.Contains(string(maps), " "+dir+"/")
}

func below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}
