package namespace

// AliasRecord leads from the name that a long component is shown under to the
// component. It is there as long as the component's entry is.
type AliasRecord struct {
	Stamp
	Component string `cbor:"10,keyasint"`
}
