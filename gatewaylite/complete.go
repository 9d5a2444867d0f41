package gatewaylite

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/checksum"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// minPart is the least size of a part that is not the last ("Amazon S3 multipart
// upload limits").
const minPart = 5 << 20

// chosenPart is a part in the body of CompleteMultipartUpload.
type chosenPart struct {
	PartNumber        int
	ETag              string
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumSHA1      string
	ChecksumSHA256    string
}

func (c *chosenPart) sum(a checksum.Algorithm) string {
	switch a {
	case checksum.CRC32:
		return c.ChecksumCRC32
	case checksum.CRC32C:
		return c.ChecksumCRC32C
	case checksum.CRC64NVME:
		return c.ChecksumCRC64NVME
	case checksum.SHA1:
		return c.ChecksumSHA1
	}
	return c.ChecksumSHA256
}

// completeUpload answers CompleteMultipartUpload. An upload that is not there any
// more may have been completed by the same request, whose answer was lost: the
// volume knows.
func (q *request) completeUpload() error {
	var in struct {
		XMLName xml.Name     `xml:"CompleteMultipartUpload"`
		Parts   []chosenPart `xml:"Part"`
	}
	if err := q.parseComplete(&in); err != nil {
		return err
	}
	if err := checkChosen(in.Parts); err != nil {
		return err
	}
	terms, err := q.writeTerms()
	if err != nil {
		return err
	}
	u, err := q.g.vol.Upload(q.ctx(), q.bucket, q.key, q.query.Get("uploadId"))
	if blockstore.KindOf(err) == blockstore.NotFound {
		u, err = namespace.Upload{ID: q.query.Get("uploadId"), Bucket: q.bucket, Key: q.key}, nil
	}
	if err != nil {
		return q.noSuchUpload(err)
	}
	return q.patiently(func() (namespace.ObjectInfo, error) {
		c := &completion{header: q.r.Header, u: &u, chosen: in.Parts}
		info, err := q.g.door.CompleteUpload(q.ctx(), u, c.choose, namespace.PutKey{If: terms, Durability: blockstore.Sync})
		return info, q.noSuchUpload(err)
	})
}

// parseComplete reads the body, whose x-amz-checksum headers are of the object to
// come and not of it.
func (q *request) parseComplete(into any) error {
	headers := q.r.Header
	q.r.Header = headers.Clone()
	for _, a := range checksum.Algorithms() {
		q.r.Header.Del(a.Header())
	}
	err := q.parse(maxDelete, into)
	q.r.Header = headers
	return err
}

func checkChosen(parts []chosenPart) error {
	if len(parts) == 0 || len(parts) > maxParts {
		return s3err.New(s3err.MalformedXML)
	}
	for i := 1; i < len(parts); i++ {
		if parts[i].PartNumber <= parts[i-1].PartNumber {
			return s3err.New(s3err.InvalidPartOrder)
		}
	}
	return nil
}

func (q *request) completed(info *namespace.ObjectInfo) *document {
	q.size = info.Attr.Size
	d := newDocument("CompleteMultipartUploadResult")
	d.text("Location", q.location())
	d.text("Bucket", q.bucketName)
	d.text("Key", q.key)
	d.etag(info.ETag)
	d.sums(sumsOf(info), true)
	return d
}

// completion makes an object of the parts that the client chose.
type completion struct {
	header http.Header
	u      *namespace.Upload
	chosen []chosenPart
}

// choose checks the choice against what was uploaded. It is asked in the change.
func (c *completion) choose(parts map[int]namespace.UploadedPart) ([]int, *namespace.Object, error) {
	a, kind := uploadSum(c.u)
	numbers, size, etags := make([]int, 0, len(c.chosen)), int64(0), md5.New()
	o := &namespace.Object{}
	if c.u.Object != nil {
		*o = *c.u.Object
	}
	o.Parts = make([]namespace.Part, 0, len(c.chosen))
	for i := range c.chosen {
		p, ok := parts[c.chosen[i].PartNumber]
		if err := c.check(&c.chosen[i], &p.Part, ok, i == len(c.chosen)-1, a, kind); err != nil {
			return nil, nil, err
		}
		sum, err := hex.DecodeString(p.ETag)
		if err != nil {
			return nil, nil, blockstore.E("complete upload", c.u.Key, blockstore.Corrupt, err)
		}
		etags.Write(sum)
		numbers, size, o.Parts = append(numbers, p.Number), size+p.Size, append(o.Parts, p.Part)
	}
	o.ETag = fmt.Sprintf("%x-%d", etags.Sum(nil), len(numbers))
	o.Checksums = joinedSums(a, kind, o.Parts)
	return numbers, o, c.checkObject(size, a, o.Checksums[a.String()])
}

func (c *completion) check(want *chosenPart, have *namespace.Part, ok, last bool, a checksum.Algorithm, kind checksum.Type) error {
	invalid := s3err.New(s3err.InvalidPart).With("UploadId", c.u.ID).
		With("PartNumber", strconv.Itoa(want.PartNumber)).With("ETag", want.ETag)
	sum := ""
	if a != checksum.None {
		sum = want.sum(a)
	}
	switch {
	case !ok || strings.Trim(want.ETag, `"`) != have.ETag:
		return invalid
	case sum != "" && sum != have.Checksums[a.String()]:
		return invalid
	case a != checksum.None && kind == checksum.Composite && sum == "":
		return s3err.Errorf(s3err.InvalidRequest, "The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.",
			strings.ToLower(a.String()), want.PartNumber)
	case !last && have.Size < minPart:
		return s3err.New(s3err.EntityTooSmall).With("ProposedSize", number(have.Size)).With("MinSizeAllowed", number(minPart)).
			With("PartNumber", strconv.Itoa(want.PartNumber)).With("ETag", have.ETag)
	}
	return nil
}

// joinedSums is the checksum of the object from those of its parts.
func joinedSums(a checksum.Algorithm, kind checksum.Type, parts []namespace.Part) map[string]string {
	if a == checksum.None {
		return nil
	}
	sums, pieces := make([][]byte, len(parts)), make([]checksum.Part, len(parts))
	for i, p := range parts {
		sum, ok := a.Decode(p.Checksums[a.String()])
		if !ok {
			return nil
		}
		sums[i], pieces[i] = sum, checksum.Part{Sum: sum, Size: p.Size}
	}
	if kind == checksum.Composite {
		return map[string]string{a.String(): checksum.EncodeComposite(a.Compose(sums), len(sums))}
	}
	return storedSums(a, a.Combine(pieces))
}

// checkObject compares with what the client says of the whole.
func (c *completion) checkObject(size int64, a checksum.Algorithm, sum string) error {
	h := c.header
	if v := h.Get("X-Amz-Mp-Object-Size"); v != "" && v != number(size) {
		return s3err.Errorf(s3err.InvalidRequest, "The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", v, size)
	}
	if a == checksum.None {
		return nil
	}
	bare, _, _ := strings.Cut(sum, "-")
	if v := h.Get(a.Header()); v != "" && v != sum && v != bare {
		return s3err.Errorf(s3err.BadDigest, "The %s you specified did not match the calculated checksum.", a)
	}
	return nil
}

// patience is after how long, and how often, a client is told that the gateway is
// still at work.
const patience = 5 * time.Second

// patiently answers with what work makes. If that takes long, it sends the status at
// once, and spaces until it has the rest; an error then has the status 200
// ("CompleteMultipartUpload", S3 API reference).
func (q *request) patiently(work func() (namespace.ObjectInfo, error)) error {
	var info namespace.ObjectInfo
	done := make(chan error, 1)
	go func() {
		var err error
		info, err = work()
		done <- err
	}()
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for started := false; ; started = true {
		select {
		case err := <-done:
			return q.finish(&info, err, started)
		case <-tick.C:
			q.hold(started)
		}
	}
}

// hold tells the client that the answer is still to come.
func (q *request) hold(started bool) {
	q.mayWrite(q.g.opts.Limits.Stall)
	text := " "
	if !started {
		text = xmlHeader
		q.w.Header().Set("Content-Type", "application/xml")
		q.w.WriteHeader(http.StatusOK)
	}
	_, _ = q.w.Write([]byte(text))
	_ = q.ctl.Flush()
}

// finish answers, or ends an answer whose status and XML declaration were sent.
func (q *request) finish(info *namespace.ObjectInfo, err error, started bool) error {
	switch {
	case !started && err != nil:
		return err
	case !started:
		setNewVersion(q.w.Header(), info.Version)
		return q.answer(q.completed(info))
	case err != nil:
		q.err = translate(err)
		body := q.err.Body(q.r.URL.EscapedPath(), q.id, q.g.hostID)
		_, _ = q.w.Write(bytes.TrimPrefix(body, []byte(xmlHeader)))
		return nil
	}
	_, _ = q.w.Write(bytes.TrimPrefix(q.completed(info).bytes(), []byte(xmlHeader)))
	return nil
}
