package gatewaylite

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

const (
	xmlHeader    = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	xmlNamespace = `http://s3.amazonaws.com/doc/2006-03-01/`
	xmlTime      = "2006-01-02T15:04:05.000Z"
)

// document is the XML body of an answer, written from top to bottom: the order of
// the elements is part of the API. encoding/xml can't write the names of keys
// that have control characters, and takes ten times as long over a listing.
type document struct {
	b    []byte
	root string
}

func newDocument(root string) *document {
	d := &document{root: root, b: make([]byte, 0, 1024)}
	d.b = append(d.b, xmlHeader+"<"...)
	d.b = append(d.b, root...)
	d.b = append(d.b, ` xmlns="`+xmlNamespace+`">`...)
	return d
}

// bytes closes the root.
func (d *document) bytes() []byte {
	d.close(d.root)
	return d.b
}

func (d *document) open(name string) {
	d.b = append(append(append(d.b, '<'), name...), '>')
}

func (d *document) close(name string) {
	d.b = append(append(append(d.b, '<', '/'), name...), '>')
}

func (d *document) text(name, value string) {
	d.open(name)
	d.b = appendEscaped(d.b, value)
	d.close(name)
}

// some is text, left out if it is empty.
func (d *document) some(name, value string) {
	if value != "" {
		d.text(name, value)
	}
}

func (d *document) number(name string, n int64) {
	d.open(name)
	d.b = strconv.AppendInt(d.b, n, 10)
	d.close(name)
}

func (d *document) flag(name string, v bool) {
	d.open(name)
	d.b = strconv.AppendBool(d.b, v)
	d.close(name)
}

func (d *document) time(name string, t namespace.Time) {
	d.open(name)
	d.b = t.Time().AppendFormat(d.b, xmlTime)
	d.close(name)
}

func (d *document) etag(etag string) { d.text("ETag", quoted(etag)) }

// owner writes who owns, or started, something.
func (d *document) owner(name, id, display string) {
	d.open(name)
	d.text("ID", id)
	d.text("DisplayName", display)
	d.close(name)
}

func quoted(etag string) string { return `"` + etag + `"` }

// httpTime is the date of a header (RFC 9110, 5.6.7).
func httpTime(t namespace.Time) string {
	return t.Time().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}

// second is the time as a header has it.
func second(t namespace.Time) time.Time { return t.Time().Truncate(time.Second) }

// appendEscaped escapes what markup is made of, and, as S3 does, characters that
// XML 1.0 has no place for: a key may have them.
func appendEscaped(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	from := 0
	for i := range len(s) {
		esc := escapes[s[i]]
		if esc == "" {
			continue
		}
		b = append(append(b, s[from:i]...), esc...)
		from = i + 1
	}
	return append(b, s[from:]...)
}

var escapes = func() (e [256]string) {
	for c := range 0x20 {
		if c != '\t' && c != '\n' {
			e[c] = "&#x" + strconv.FormatInt(int64(c), 16) + ";"
		}
	}
	e['&'], e['<'], e['>'], e['"'] = "&amp;", "&lt;", "&gt;", "&quot;"
	return e
}()

// urlEncoded is a name under encoding-type=url ("ListObjectsV2", S3 API
// reference): UTF-8 bytes in percent form, space as +.
func urlEncoded(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b = append(b, '+')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '*', c == '/':
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}
