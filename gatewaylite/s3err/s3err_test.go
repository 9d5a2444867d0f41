package s3err

import (
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestTableIsComplete: every constant is in the table under its own name, and
// every status is one that refuses.
func TestTableIsComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		constants++
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !strings.EqualFold(value, spec.Names[0].Name) {
			t.Errorf("constant %s has the value %q", spec.Names[0].Name, value)
		}
		if _, ok := table[Code(value)]; !ok {
			t.Errorf("%s is not in the table", value)
		}
		return true
	})
	if constants != len(table) {
		t.Errorf("%d constants, %d in the table", constants, len(table))
	}
	for _, c := range Codes() {
		if http.StatusText(c.Status()) == "" || c.Status() < 300 || c.Message() == "" {
			t.Errorf("%s: status %d, message %q", c, c.Status(), c.Message())
		}
	}
}

func TestIs(t *testing.T) {
	err := fmt.Errorf("get: %w", Wrap(NoSuchKey, errors.New("cause")))
	if !errors.Is(err, NoSuchKey) || errors.Is(err, NoSuchBucket) {
		t.Error("errors.Is does not match the code alone")
	}
	if e := From(err); e.Code != NoSuchKey || e.Status() != 404 {
		t.Errorf("From: %v", e)
	}
	if e := From(fmt.Errorf("x: %w", SlowDown)); e.Code != SlowDown {
		t.Errorf("From a code: %v", e)
	}
	if e := From(errors.New("disk on fire")); e.Code != InternalError || e.Text() != InternalError.Message() {
		t.Errorf("From anything else: %v", e)
	}
	if From(nil) != nil {
		t.Error("From(nil) is an error")
	}
}

// TestBody: the body is well-formed whatever a client put in a name, and does
// not show the cause.
func TestBody(t *testing.T) {
	e := New(NoSuchKey).With("Key", "a<b>&\x00\xff\"")
	e.Err = errors.New("secret path")
	var got struct {
		XMLName                      xml.Name `xml:"Error"`
		Code, Message, Key, Resource string
		RequestID                    string `xml:"RequestId"`
		HostID                       string `xml:"HostId"`
	}
	body := e.Body("/bucket/a<b>", "4442587FB7D0A2F9", "host")
	if err := xml.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.Code != "NoSuchKey" || got.Message != "The specified key does not exist." ||
		got.Key != "a<b>&\uFFFD\uFFFD\"" || got.Resource != "/bucket/a<b>" ||
		got.RequestID != "4442587FB7D0A2F9" || got.HostID != "host" {
		t.Errorf("%s", body)
	}
	want := xml.Header + "<Error><Code>SlowDown</Code><Message>m</Message><RequestId>r</RequestId><HostId></HostId></Error>"
	if got := string(Errorf(SlowDown, "m").Body("", "r", "")); got != want {
		t.Errorf("got %s", got)
	}
}
