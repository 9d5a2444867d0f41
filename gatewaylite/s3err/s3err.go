// Package s3err is what the gateway answers when it refuses: the error codes of
// the S3 API reference ("Error responses", "List of error codes"), with the
// status, the words and the XML body that go with each.
//
// It knows neither volumes nor requests: the translation from blockstore kinds
// is the gateway's. It imports the standard library only.
package s3err

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// Code is an error code of S3. It is itself an error, so that
// errors.Is(err, s3err.NoSuchKey) asks for it.
type Code string

// Error is the code.
func (c Code) Error() string { return string(c) }

// Status is the HTTP status that goes with the code; 500 if nobody knows it.
func (c Code) Status() int {
	if e, ok := table[c]; ok {
		return e.status
	}
	return http.StatusInternalServerError
}

// Message is what S3 says with the code, unless it has more to say.
func (c Code) Message() string { return table[c].message }

// Codes returns every code, in no order, for tests of translation tables.
func Codes() []Code {
	cs := make([]Code, 0, len(table))
	for c := range table {
		cs = append(cs, c)
	}
	return cs
}

// Element is one more element of the body of an error, such as Key of NoSuchKey.
type Element struct{ Name, Value string }

// Error is an answer of S3 to a request that it refuses.
type Error struct {
	Code    Code
	Message string    // shown to the client; empty: that of the code
	Extra   []Element // shown after the message, in this order
	Err     error     // the cause, for the log; never shown
}

// New makes an error with the words of its code.
func New(code Code, extra ...Element) *Error {
	return &Error{Code: code, Extra: extra}
}

// Errorf makes an error with words of its own, which the client sees.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error with a cause that the client does not see.
func Wrap(code Code, err error) *Error { return &Error{Code: code, Err: err} }

// From is the *Error in the chain of err, or a Code in it; if there is none,
// InternalError because of err. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var c Code
	if errors.As(err, &c) {
		return Wrap(c, err)
	}
	return Wrap(InternalError, err)
}

// With adds an element to the body, and returns e.
func (e *Error) With(name, value string) *Error {
	e.Extra = append(e.Extra, Element{name, value})
	return e
}

// Element is the value of the named extra element; empty if e has none.
func (e *Error) Element(name string) string {
	for _, x := range e.Extra {
		if x.Name == name {
			return x.Value
		}
	}
	return ""
}

// Status is the HTTP status of the answer.
func (e *Error) Status() int { return e.Code.Status() }

// Text is the message that the client sees.
func (e *Error) Text() string {
	if e.Message != "" {
		return e.Message
	}
	return e.Code.Message()
}

// Error is one line for a log, with the cause.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Text()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is matches the Code.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// Body is the XML of the answer ("REST error responses" in the S3 API
// reference). resource is the bucket or object that the request is about. An
// answer to HEAD and a 304 have no body: leaving it out is up to the caller.
func (e *Error) Body(resource, requestID, hostID string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error>")
	element(&b, "Code", string(e.Code))
	element(&b, "Message", e.Text())
	for _, x := range e.Extra {
		element(&b, x.Name, x.Value)
	}
	if resource != "" {
		element(&b, "Resource", resource)
	}
	element(&b, "RequestId", requestID)
	element(&b, "HostId", hostID)
	b.WriteString("</Error>")
	return b.Bytes()
}

func element(b *bytes.Buffer, name, value string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(value)) // a Buffer does not fail
	b.WriteString("</" + name + ">")
}
