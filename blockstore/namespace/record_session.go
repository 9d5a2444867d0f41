package namespace

// SessionRecord is a running cairn process.
type SessionRecord struct {
	Stamp
	Host    string `cbor:"10,keyasint"`
	PID     int    `cbor:"11,keyasint"`
	Command string `cbor:"12,keyasint"`
	Started Time   `cbor:"13,keyasint"`
	Beat    Time   `cbor:"14,keyasint"` // last sign of life
}
