//go:build soak

package integration

const (
	bigFile    = 2 << 30
	manyFiles  = 50_000
	killRounds = 300
	flips      = 300
	throughput = 20 << 30

	multipart    = 1 << 30
	raceRounds   = 1000
	modelSteps   = 50_000
	uploadRounds = 200
	ownerRounds  = 100
)
