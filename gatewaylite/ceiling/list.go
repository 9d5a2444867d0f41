package ceiling

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// list answers ListObjectsV2 without a delimiter, and whatever else is asked of a
// bucket as if it were that.
func (s *Server) list(w http.ResponseWriter, r *http.Request, bucket string) error {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil || limit < 1 || limit > 1000 {
		limit = 1000
	}
	after, err := base64.URLEncoding.DecodeString(q.Get("continuation-token"))
	if err != nil || q.Get("delimiter") != "" {
		return s3err.InvalidArgument
	}
	var b bytes.Buffer
	b.WriteString(`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	n, last, more := s.page(bucket+"/"+q.Get("prefix"), string(after), limit, func(path string, o *object) {
		entry(&b, path[len(bucket)+1:], o)
	})
	if more {
		fmt.Fprintf(&b, "<NextContinuationToken>%s</NextContinuationToken>", base64.URLEncoding.EncodeToString([]byte(last)))
	}
	fmt.Fprintf(&b, "<KeyCount>%d</KeyCount><IsTruncated>%t</IsTruncated></ListBucketResult>", n, more)
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(b.Bytes())
	return nil
}

// page calls fn with at most limit objects that come after a path, and says how many
// these were, which was the last, and whether there are more.
func (s *Server) page(prefix, after string, limit int, fn func(path string, o *object)) (n int, last string, more bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.objects.Ascend(max(prefix, after), func(path string, o *object) bool {
		switch {
		case path == after:
			return true
		case !strings.HasPrefix(path, prefix):
			return false
		case n == limit:
			more = true
			return false
		}
		fn(path, o)
		n, last = n+1, path
		return true
	})
	return n, last, more
}

func entry(b *bytes.Buffer, key string, o *object) {
	b.WriteString("<Contents><Key>")
	_ = xml.EscapeText(b, []byte(key)) // a Buffer takes all
	b.WriteString("</Key><LastModified>")
	b.Write(o.modified.UTC().AppendFormat(b.AvailableBuffer(), "2006-01-02T15:04:05.000Z"))
	b.WriteString("</LastModified><ETag>&quot;")
	b.WriteString(strings.Trim(o.etag, `"`))
	b.WriteString("&quot;</ETag><Size>")
	b.Write(strconv.AppendInt(b.AvailableBuffer(), o.size, 10))
	b.WriteString("</Size><StorageClass>STANDARD</StorageClass></Contents>")
}
