package gatewaylite_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// form is a form with these fields and a file behind them.
func form(t *testing.T, fields map[string]string, file string) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, v := range fields {
		if err := m.WriteField(name, v); err != nil {
			t.Fatal(err)
		}
	}
	f, err := m.CreateFormFile("file", "cat.jpg")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, file)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), b.String()
}

// fields are those of a signed policy, and some more.
func (u *user) fields(more ...string) map[string]string {
	u.w.t.Helper()
	p := minio.NewPostPolicy()
	for _, err := range []error{
		p.SetBucket("photos"), p.SetKeyStartsWith("up/"), p.SetExpires(time.Now().Add(time.Hour)), p.SetContentLengthRange(1, 10),
		p.SetContentType("image/jpeg"), p.SetUserMetadata("a", "b"),
	} {
		if err != nil {
			u.w.t.Fatal(err)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		switch more[i] {
		case "success_action_status":
			_ = p.SetSuccessStatusAction(more[i+1])
		case "success_action_redirect":
			_ = p.SetSuccessActionRedirect(more[i+1])
		}
	}
	_, fields, err := u.PresignedPostPolicy(u.w.t.Context(), p)
	if err != nil {
		u.w.t.Fatal(err)
	}
	fields["key"] = "up/${filename}"
	for i := 0; i+1 < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	return fields
}

// TestPost: a form of a browser stores its file, if its policy allows that.
func TestPost(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	post := func(status int, text, file string, more ...string) *reply {
		t.Helper()
		kind, body := form(t, w.root.fields(more...), file)
		return w.anonymous("POST", "/photos", body, "Content-Type", kind).want(t, status, text)
	}
	post(204, "", "hello").headers(t, "ETag", helloETag, "Location", "http://"+w.addr+"/photos/up/cat.jpg")
	w.root.do("GET", "/photos/up/cat.jpg", "").want(t, 200, "hello").headers(t, "Content-Type", "image/jpeg", "X-Amz-Meta-A", "b")
	post(201, "<PostResponse><Location>http://"+w.addr+"/photos/up/cat.jpg</Location><Bucket>photos</Bucket><Key>up/cat.jpg</Key><ETag>&quot;", "hello", "success_action_status", "201")
	post(200, "", "hello", "success_action_status", "200")
	post(303, "", "hello", "success_action_redirect", "http://x.org/done?a=1").
		headers(t, "Location", "http://x.org/done?a=1&bucket=photos&key=up%2Fcat.jpg&etag=%225d41402abc4b2a76b9719d911017c592%22")
	post(400, "<Code>EntityTooLarge</Code>", "longer than ten", "key", "up/b")
	post(400, "<Code>EntityTooSmall</Code>", "", "key", "up/b")
	post(403, "", "hello", "key", "down/b")
	post(403, "<Code>SignatureDoesNotMatch</Code>", "hello", "x-amz-signature", strings.Repeat("0", 64), "key", "up/b")
	post(400, "<Code>InvalidArgument</Code>", "hello", "key", "")
	post(400, "<Code>MaxPostPreDataLengthExceeded", "hello", "x-ignore-a", strings.Repeat("x", 30<<10))
	w.anonymous("POST", "/photos", "a=b", "Content-Type", "application/x-www-form-urlencoded").want(t, 400, "<Code>RequestIsNotMultiPartContent</Code>")
	kind, body := form(t, map[string]string{"key": "b"}, "hello")
	w.anonymous("POST", "/photos", body, "Content-Type", kind).want(t, 403, "<Code>AccessDenied</Code>")
	kind, body = form(t, w.root.fields("key", "up/b"), "hello")
	w.anonymous("POST", "/photos", body[:len(body)-20], "Content-Type", kind).want(t, 400, "")
	w.anonymous("POST", "/photos", body[:100], "Content-Type", kind).want(t, 400, "")
	w.root.do("GET", "/photos?prefix=up/b", "").want(t, 200, "<IsTruncated>false</IsTruncated></ListBucketResult>")
	w.anonymous("POST", "/none", body, "Content-Type", kind).want(t, 404, "<Code>NoSuchBucket</Code>")
}
