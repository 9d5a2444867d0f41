//go:build !soak

package integration

// How much the tests do. The soak has numbers of its own.
const (
	bigFile    = 256 << 20
	manyFiles  = 50_000
	killRounds = 12
	flips      = 24
	throughput = 2 << 30

	multipart    = 80 << 20
	raceRounds   = 20
	modelSteps   = 600
	uploadRounds = 4
	ownerRounds  = 2
)
