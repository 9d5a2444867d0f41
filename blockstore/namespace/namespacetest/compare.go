package namespacetest

import "fmt"

// excerpt shows where two byte sequences begin to differ.
func excerpt(got, want []byte) string {
	const n = 16
	return fmt.Sprintf("%x, want %x", got[:min(n, len(got))], want[:min(n, len(want))])
}
