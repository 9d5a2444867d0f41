package access

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

const xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"

// maxXML bounds every document; the largest, a thousand lifecycle rules, is smaller.
const maxXML = 2 << 20

// unknown takes the elements that a document should not have: a struct that is
// read has a field of it with the tag ",any", and its document is refused by
// whoever reads it if there are any.
type unknown []struct{ XMLName xml.Name }

var (
	errXMLSize  = errors.New("document too large")
	errXMLTrail = errors.New("something after the document")
	errXMLExtra = errors.New("unknown element")
)

// readXML reads one document into v, which names its root, and nothing after it.
func readXML(doc []byte, v any) error {
	if len(doc) > maxXML {
		return errXMLSize
	}
	dec := xml.NewDecoder(bytes.NewReader(doc))
	if err := dec.Decode(v); err != nil {
		return err
	}
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.Comment:
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return errXMLTrail
			}
		default:
			return errXMLTrail
		}
	}
}

// allKnown fails if any of the lists of unknown elements has one.
func allKnown(all ...unknown) error {
	for _, u := range all {
		if len(u) > 0 {
			return errXMLExtra
		}
	}
	return nil
}

// writeXML gives the document of v.
func writeXML(v any) []byte {
	b, err := xml.Marshal(v)
	if err != nil {
		panic(err) // structs of text and numbers always have an XML
	}
	return append([]byte(xml.Header), b...)
}
