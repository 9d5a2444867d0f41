package gatewaylite

import (
	"encoding/xml"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/auth"
	"github.com/cairnfs/cairn/gatewaylite/checksum"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// maxFields bounds what a form has before the file ("POST Object", S3 API
// reference), maxFormHead that with everything between the fields.
const (
	maxFields   = 20 << 10
	maxFormHead = 64 << 10
)

// postForm is a form of a browser, read up to its file.
type postForm struct {
	fields map[string]string // by name in lower case
	file   *multipart.Part
	length auth.Length
}

// postObject answers POST Object: an upload from a form, whose file is streamed.
func (q *request) postObject() error {
	f, err := q.readForm()
	if err != nil {
		return err
	}
	who, length, err := q.g.verifier.VerifyPost(q.ctx(), q.bucketName, f.fields)
	if err != nil {
		return err
	}
	if err := q.become(who); err != nil {
		return err
	}
	f.length = length
	f.length.Max = min(length.Max, maxPut)
	if err := q.adopt(f); err != nil {
		return err
	}
	return q.storeForm(f)
}

// storeForm is a PutObject of the file.
func (q *request) storeForm(f *postForm) error {
	o, tags, err := q.described()
	if err != nil {
		return err
	}
	if doc := f.fields["tagging"]; doc != "" {
		if tags, err = access.ParseTagging([]byte(doc), access.MaxObjectTags); err != nil {
			return err
		}
		o.Tags = storedTags(tags)
	}
	if err := q.allowTagged(access.PutObject, nil, tags, nil); err != nil {
		return err
	}
	r, err := q.receive(checksum.None)
	if err != nil {
		return err
	}
	info, err := q.publish(r, o, nil)
	if err != nil {
		return err
	}
	q.describeWrite(&info)
	return q.answerForm(f, &info)
}

// readForm reads the fields before the file.
func (q *request) readForm() (*postForm, error) {
	kind, params, err := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, s3err.New(s3err.RequestIsNotMultiPartContent)
	}
	head := &headReader{src: q.r.Body, left: maxFormHead}
	parts := multipart.NewReader(head, params["boundary"])
	f := &postForm{fields: make(map[string]string)}
	for size := 0; ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil, s3err.New(s3err.IncorrectNumberOfFilesInPostRequest)
		}
		if err != nil {
			return nil, formError(err)
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			head.left = -1
			f.file = part
			return f, f.name(part.FileName())
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFields+1))
		if err != nil {
			return nil, formError(err)
		}
		if size += len(name) + len(value); size > maxFields {
			return nil, errFormHead
		}
		f.fields[name] = string(value)
	}
}

var errFormHead = s3err.New(s3err.MaxPostPreDataLengthExceededError)

func formError(err error) error {
	if e := translate(bodyError(err)); e.Code != s3err.IncompleteBody {
		return e
	}
	return s3err.Wrap(s3err.MalformedPOSTRequest, err)
}

// name puts the name of the file where the key asks for it.
func (f *postForm) name(file string) error {
	key := f.fields["key"]
	if key == "" {
		return badArgument("key", "", "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.")
	}
	f.fields["key"] = strings.ReplaceAll(key, "${filename}", file)
	return checkKey(f.fields["key"])
}

// adopt makes the fields what the headers and the body of a PUT would be.
func (q *request) adopt(f *postForm) error {
	q.key, q.level = f.fields["key"], onObject
	h := q.r.Header.Clone()
	h.Del("Content-Type")
	for name, v := range f.fields {
		h.Set(name, v)
	}
	if acl := f.fields["acl"]; acl != "" {
		h.Set("X-Amz-Acl", acl)
	}
	q.r.Header, q.r.ContentLength = h, -1
	q.r.Body = io.NopCloser(f.length.Reader(f.file))
	return q.checkRefused()
}

// answerForm answers as the form asks.
func (q *request) answerForm(f *postForm, info *namespace.ObjectInfo) error {
	h := q.w.Header()
	h.Set("Location", q.location())
	target := f.fields["success_action_redirect"]
	if target == "" {
		target = f.fields["redirect"]
	}
	if u, err := url.Parse(target); err == nil && u.IsAbs() {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += "bucket=" + url.QueryEscape(q.bucketName) + "&key=" + url.QueryEscape(q.key) + "&etag=" + url.QueryEscape(quoted(info.ETag))
		h.Set("Location", u.String())
		return q.empty(http.StatusSeeOther)
	}
	switch f.fields["success_action_status"] {
	case "200":
		return q.empty(http.StatusOK)
	case "201":
		d := &document{root: "PostResponse", b: []byte(xml.Header + "<PostResponse>")}
		d.text("Location", q.location())
		d.text("Bucket", q.bucketName)
		d.text("Key", q.key)
		d.etag(info.ETag)
		return q.answerBytes(http.StatusCreated, "application/xml", d.bytes())
	}
	return q.empty(http.StatusNoContent)
}

// headReader ends a form whose file does not come.
type headReader struct {
	src  io.Reader
	left int // bytes that may still come; negative: any number
}

func (r *headReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, errFormHead
	}
	if r.left > 0 {
		p = p[:min(len(p), r.left)]
	}
	n, err := r.src.Read(p)
	if r.left > 0 {
		r.left -= n
	}
	return n, err
}
