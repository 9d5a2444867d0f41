// Command cairn mounts a cairn volume as a directory and looks after its store.
//
// Here lives what a user types and reads: flags, the config file, the wiring of
// engine, cache and namespace (open.go), one file per command, and the table of
// exit statuses (exit.go). No rule about files or stored data belongs here. It may
// import every package of the module except those of the tests, and nobody
// imports it.
package main
