//go:build soak

package integration

const (
	bigFile    = 2 << 30
	manyFiles  = 50_000
	killRounds = 300
	flips      = 300
	throughput = 20 << 30
)
