package gatewaylite_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

const minPart = 5 << 20

var uploadID = regexp.MustCompile(`<UploadId>([0-9a-f]+)</UploadId>`)

// begin begins an upload.
func (u *user) begin(path string, headers ...string) string {
	u.w.t.Helper()
	p := u.do("POST", path+"?uploads", "", headers...).want(u.w.t, 200, "<InitiateMultipartUploadResult")
	m := uploadID.FindStringSubmatch(p.body)
	if m == nil {
		u.w.t.Fatalf("no upload id in %s", p.body)
	}
	return m[1]
}

// part uploads a part, and returns its ETag.
func (u *user) part(path, id string, number int, body string, headers ...string) string {
	u.w.t.Helper()
	p := u.do("PUT", fmt.Sprintf("%s?uploadId=%s&partNumber=%d", path, id, number), body, headers...).want(u.w.t, 200, "")
	return p.Header.Get("ETag")
}

// chosen is the body of a complete request.
func chosen(parts ...any) string {
	var b strings.Builder
	b.WriteString("<CompleteMultipartUpload>")
	for i := 0; i+1 < len(parts); i += 2 {
		fmt.Fprintf(&b, "<Part><PartNumber>%v</PartNumber><ETag>%v</ETag></Part>", parts[i], parts[i+1])
	}
	return b.String() + "</CompleteMultipartUpload>"
}

// TestMultipart is one upload from begin to end, with all that can be wrong on
// the way.
func TestMultipart(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	one, two := string(content(minPart, 1)), string(content(1000, 2))
	id := w.root.begin("/photos/dir/big", "Content-Type", "text/plain", "X-Amz-Meta-A", "b")
	at := "/photos/dir/big?uploadId=" + id
	w.root.part("/photos/dir/big", id, 3, "replaced")
	e2 := w.root.part("/photos/dir/big", id, 3, two)
	e1 := w.root.part("/photos/dir/big", id, 2, one)
	w.root.part("/photos/dir/big", id, 7, "left out")
	w.root.do("GET", "/photos/dir/big", "").want(t, 404, "NoSuchKey")
	w.root.do("GET", at+"&max-parts=2", "").want(t, 200, "<StorageClass>STANDARD</StorageClass><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>3</NextPartNumberMarker>"+
		"<MaxParts>2</MaxParts><IsTruncated>true</IsTruncated><Part><PartNumber>2</PartNumber><LastModified>")
	w.root.do("GET", at+"&part-number-marker=3", "").want(t, 200, "<IsTruncated>false</IsTruncated><Part><PartNumber>7</PartNumber>")
	w.root.do("GET", "/photos?uploads&prefix=dir/", "").want(t, 200, "<Upload><Key>dir/big</Key><UploadId>"+id+"</UploadId><Initiator><ID>")
	w.root.do("GET", "/photos?uploads&delimiter=/", "").want(t, 200, "<CommonPrefixes><Prefix>dir/</Prefix></CommonPrefixes>")

	for _, c := range []struct {
		status     int
		code, body string
	}{
		{400, "MalformedXML", "<CompleteMultipartUpload>"},
		{400, "MalformedXML", chosen()},
		{400, "InvalidPart", chosen(1, e1)},
		{400, "InvalidPart", chosen(2, e2, 3, e2)},
		{400, "InvalidPartOrder", chosen(3, e2, 2, e1)},
		{400, "InvalidPartOrder", chosen(2, e1, 2, e1)},
		{400, "EntityTooSmall", chosen(3, e2, 7, hexMD5("left out"))},
	} {
		w.root.do("POST", at, c.body).want(t, c.status, "<Code>"+c.code+"</Code>")
	}
	sum := md5.Sum(append(unhex(t, e1), unhex(t, e2)...))
	etag := hex.EncodeToString(sum[:]) + "-2"
	complete := func() {
		t.Helper()
		w.root.do("POST", at, chosen(2, e1, 3, e2)).want(t, 200, "<Location>http://"+w.addr+"/photos/dir/big</Location><Bucket>photos</Bucket>"+
			"<Key>dir/big</Key><ETag>&quot;"+etag+"&quot;</ETag></CompleteMultipartUploadResult>")
	}
	complete()
	complete() // the first answer may have been lost
	p := w.root.do("GET", "/photos/dir/big", "").want(t, 200, "").headers(t, "ETag", `"`+etag+`"`, "Content-Type", "text/plain", "X-Amz-Meta-A", "b")
	if p.body != one+two {
		t.Errorf("%d bytes differ from what was uploaded", len(p.body))
	}
	p = w.root.do("GET", "/photos/dir/big?partNumber=2", "").want(t, 206, "").
		headers(t, "X-Amz-Mp-Parts-Count", "2", "Content-Range", fmt.Sprintf("bytes %d-%d/%d", minPart, minPart+999, minPart+1000))
	if p.body != two {
		t.Error("part 2 differs")
	}
	w.root.do("GET", "/photos/dir/big?attributes", "", "X-Amz-Object-Attributes", "ObjectParts,ObjectSize").
		want(t, 200, "<ObjectParts><PartsCount>2</PartsCount></ObjectParts><ObjectSize>5243880</ObjectSize>")
	w.root.do("GET", at, "").want(t, 404, "<Code>NoSuchUpload</Code>")
	w.root.do("PUT", at+"&partNumber=1", "x").want(t, 404, "<Code>NoSuchUpload</Code>")
	w.root.do("PUT", at+"&partNumber=10001", "x").want(t, 400, "<Code>InvalidArgument</Code>")
}

func hexMD5(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }

func unhex(t *testing.T, etag string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Trim(etag, `"`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMultipartAbort(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	id := w.root.begin("/photos/a")
	w.root.part("/photos/a", id, 1, "part")
	w.root.do("DELETE", "/photos/a?uploadId="+id, "").want(t, 204, "")
	w.root.do("DELETE", "/photos/a?uploadId="+id, "").want(t, 404, "<Code>NoSuchUpload</Code>")
	w.root.do("POST", "/photos/a?uploadId="+id, chosen(1, hexMD5("part"))).want(t, 404, "<Code>NoSuchUpload</Code>")
	w.root.do("GET", "/photos?uploads", "").want(t, 200, "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>")
}

func TestMultipartConditions(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	id := w.root.begin("/photos/a")
	e := w.root.part("/photos/a", id, 1, "part")
	w.root.put("photos", "a", "hello")
	at := "/photos/a?uploadId=" + id
	w.root.do("POST", at, chosen(1, e), "If-None-Match", "*").want(t, 412, "<Code>PreconditionFailed</Code>")
	w.root.do("POST", at, chosen(1, e), "If-Match", `"x"`).want(t, 412, "<Code>PreconditionFailed</Code>")
	w.root.do("POST", at, chosen(1, e), "X-Amz-Mp-Object-Size", "5").want(t, 400, "<Code>InvalidRequest</Code>")
	w.root.do("POST", at, chosen(1, e), "If-Match", helloETag).want(t, 200, "")
	if got := w.root.read("photos", "a"); got != "part" {
		t.Errorf("there is %q", got)
	}
}

// TestMultipartChecksums: composite and full-object checksums are those of the
// parts and of the whole.
func TestMultipartChecksums(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	body := content(2*minPart+77, 3)
	for _, kind := range []minio.ChecksumType{minio.ChecksumCRC32C, minio.ChecksumSHA256, minio.ChecksumFullObjectCRC32, minio.ChecksumFullObjectCRC32C, minio.ChecksumCRC64NVME} {
		key := fmt.Sprint("k", kind)
		if _, err := w.root.PutObject(t.Context(), "photos", key, bytes.NewReader(body), int64(len(body)),
			minio.PutObjectOptions{Checksum: kind, PartSize: minPart}); err != nil {
			t.Fatalf("%v: %v", kind, err)
		}
		p := w.root.do("HEAD", "/photos/"+key, "", "X-Amz-Checksum-Mode", "ENABLED").want(t, 200, "")
		got := p.Header.Get(kind.Key())
		want := kind.EncodeToString(body)
		if p.Header.Get("X-Amz-Checksum-Type") == "COMPOSITE" {
			want = compositeOf(kind, body)
		}
		if got != want {
			t.Errorf("%v: checksum %q, want %q", kind, got, want)
		}
		last := w.root.do("GET", "/photos/"+key+"?partNumber=3", "", "X-Amz-Checksum-Mode", "ENABLED").want(t, 206, "")
		last.headers(t, kind.Key(), kind.EncodeToString(body[2*minPart:]), "X-Amz-Checksum-Type", p.Header.Get("X-Amz-Checksum-Type"))
	}
}

func compositeOf(kind minio.ChecksumType, body []byte) string {
	h, n := kind.Hasher(), 0
	for off := 0; off < len(body); off += minPart {
		part := kind.Hasher()
		part.Write(body[off:min(off+minPart, len(body))])
		h.Write(part.Sum(nil))
		n++
	}
	return fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(h.Sum(nil)), n)
}

// TestUploadPartCopy joins pieces of other objects.
func TestUploadPartCopy(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	body := string(content(7<<20, 4))
	w.root.put("photos", "source", body)
	id := w.root.begin("/photos/a")
	copyPart := func(status, number int, rng string) string {
		t.Helper()
		headers := []string{"X-Amz-Copy-Source", "/photos/source"}
		if rng != "" {
			headers = append(headers, "X-Amz-Copy-Source-Range", rng)
		}
		p := w.root.do("PUT", fmt.Sprintf("/photos/a?uploadId=%s&partNumber=%d", id, number), "", headers...).want(t, status, "")
		m := regexp.MustCompile(`<ETag>&quot;([0-9a-f]{32})&quot;</ETag></CopyPartResult>`).FindStringSubmatch(p.body)
		if m == nil {
			return ""
		}
		return m[1]
	}
	e1, e2 := copyPart(200, 1, ""), copyPart(200, 2, "bytes=100-199")
	if e1 != hexMD5(body) {
		t.Errorf("the ETag of the whole is %s", e1)
	}
	copyPart(400, 3, "bytes=0-99999999")
	copyPart(400, 3, "bytes=5-")
	w.root.do("POST", "/photos/a?uploadId="+id, chosen(1, e1, 2, e2)).want(t, 200, "")
	if got := w.root.read("photos", "a"); got != body+body[100:200] {
		t.Errorf("%d bytes differ", len(got))
	}
}
