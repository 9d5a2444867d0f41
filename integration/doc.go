// Package integration holds the end-to-end tests: they drive the built binary as
// a user does, through mounts, kill -9 and exit statuses. The ordinary ones run
// with `go test`; those tagged soak are long, and run with `make soak`.
//
// Nothing but tests lives here and below. Package testenv gives each test its
// world, command bench measures. A test that needs a package of the module
// belongs into that package; only arch_test.go looks at the source.
package integration
