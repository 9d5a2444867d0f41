package access

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Limits of a CORS configuration ("PutBucketCors", S3 API reference).
const (
	MaxCORS      = 64 << 10 // bytes
	MaxCORSRules = 100
)

// CORS is the cross-origin configuration of a bucket. A nil one allows nothing.
type CORS struct {
	XMLName xml.Name   `xml:"CORSConfiguration"`
	Xmlns   string     `xml:"xmlns,attr,omitempty"`
	Rules   []CORSRule `xml:"CORSRule"`
	Unknown unknown    `xml:",any"`
}

// CORSRule says which scripts may do what. The first rule that fits counts.
type CORSRule struct {
	ID             string   `xml:"ID,omitempty"`
	AllowedHeaders []string `xml:"AllowedHeader"`
	AllowedMethods []string `xml:"AllowedMethod"`
	AllowedOrigins []string `xml:"AllowedOrigin"`
	ExposeHeaders  []string `xml:"ExposeHeader"`
	MaxAgeSeconds  *int     `xml:"MaxAgeSeconds,omitempty"`
	Unknown        unknown  `xml:",any"`
}

var corsMethods = []string{"GET", "PUT", "POST", "DELETE", "HEAD"}

// ParseCORS reads CORSConfiguration.
func ParseCORS(doc []byte) (*CORS, error) {
	var c CORS
	if len(doc) > MaxCORS {
		return nil, s3err.New(s3err.MalformedXML)
	}
	if err := readXML(doc, &c); err != nil {
		return nil, s3err.Wrap(s3err.MalformedXML, err)
	}
	if len(c.Rules) == 0 || len(c.Rules) > MaxCORSRules || allKnown(c.Unknown) != nil {
		return nil, s3err.New(s3err.MalformedXML)
	}
	for i := range c.Rules {
		if err := c.Rules[i].check(); err != nil {
			return nil, err
		}
	}
	c.XMLName, c.Xmlns = xml.Name{Local: "CORSConfiguration"}, xmlns
	return &c, nil
}

// XML is CORSConfiguration ("GetBucketCors", S3 API reference).
func (c *CORS) XML() []byte { return writeXML(c) }

func (r *CORSRule) check() error {
	if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 || len(r.ID) > 255 ||
		r.MaxAgeSeconds != nil && *r.MaxAgeSeconds < 0 || allKnown(r.Unknown) != nil {
		return s3err.New(s3err.MalformedXML)
	}
	for _, m := range r.AllowedMethods {
		if !slices.Contains(corsMethods, m) {
			return s3err.Errorf(s3err.InvalidRequest, "Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
		}
	}
	if err := oneWildcard("AllowedOrigin", r.AllowedOrigins); err != nil {
		return err
	}
	if err := oneWildcard("AllowedHeader", r.AllowedHeaders); err != nil {
		return err
	}
	for _, h := range r.ExposeHeaders {
		if strings.Contains(h, "*") {
			return s3err.Errorf(s3err.InvalidRequest, "ExposeHeader %q contains wildcard. We currently do not support wildcard for ExposeHeader.", h)
		}
	}
	return r.checkPlain()
}

func oneWildcard(element string, values []string) error {
	for _, v := range values {
		if strings.Count(v, "*") > 1 {
			return s3err.Errorf(s3err.InvalidRequest, "%s %q can not have more than one wildcard.", element, v)
		}
	}
	return nil
}

// checkPlain keeps line ends and the like out of what is sent back in headers.
func (r *CORSRule) checkPlain() error {
	for _, v := range slices.Concat(r.AllowedOrigins, r.AllowedHeaders, r.ExposeHeaders) {
		if v == "" || strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return s3err.Wrap(s3err.MalformedXML, fmt.Errorf("bad value %q", v))
		}
	}
	return nil
}
