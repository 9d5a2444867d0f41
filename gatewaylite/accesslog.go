package gatewaylite

import (
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// accessLog writes a line for each request, in the format of S3 ("Amazon S3 server
// access log format", S3 user guide), which the tools for such logs read.
type accessLog struct {
	mu sync.Mutex
	w  io.Writer // nil: nobody reads it
}

func (l *accessLog) write(q *request) {
	if l.w == nil {
		return
	}
	line := q.line(time.Since(q.came))
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, line) // a full disk must not stop the service
}

// line has the fields in their order; what is not known is a dash.
func (q *request) line(took time.Duration) string {
	r := q.r
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	code, signature, kind, cipher, version := "", "", "", "", ""
	if q.err != nil {
		code = string(q.err.Code)
	}
	if q.who != nil && q.who.AccessKey != "" {
		kind = map[string]string{"REST-HEADER": "AuthHeader", "REST-QUERY-STRING": "QueryString"}[q.who.Mechanism.AuthType()]
		signature = map[string]string{"AWS": "SigV2"}[q.who.Mechanism.SignatureVersion()]
		if signature == "" {
			signature = "SigV4"
		}
	}
	if r.TLS != nil {
		cipher, version = tls.CipherSuiteName(r.TLS.CipherSuite), tls.VersionName(r.TLS.Version)
	}
	fields := []string{
		dash(q.config.Owner), dash(q.bucketName), q.came.UTC().Format("[02/Jan/2006:15:04:05 -0700]"),
		dash(host), dash(q.caller.Name), q.id, "REST." + r.Method + "." + q.op.log, dash(url.PathEscape(q.key)),
		logQuoted(r.Method + " " + r.RequestURI + " " + r.Proto), strconv.Itoa(q.w.status), dash(code),
		dashNumber(q.w.sent), dashNumber(q.size), number(took.Milliseconds()), "-",
		logQuoted(r.Referer()), logQuoted(r.UserAgent()), dash(q.version), q.g.hostID,
		dash(signature), dash(cipher), dash(kind), dash(r.Host), dash(version), "-", "-",
	}
	return strings.Join(fields, " ") + "\n"
}

// dash is a field; empty it is a dash, and it never ends the line or the field.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(c rune) rune {
		if c <= ' ' || c == '"' || c == 0x7f {
			return '_'
		}
		return c
	}, s)
}

func dashNumber(n int64) string {
	if n == 0 {
		return "-"
	}
	return number(n)
}

func logQuoted(s string) string {
	if s == "" {
		return `"-"`
	}
	return `"` + strings.Map(func(c rune) rune {
		if c < ' ' || c == '"' || c == 0x7f {
			return '_'
		}
		return c
	}, s) + `"`
}
