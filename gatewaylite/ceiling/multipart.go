package ceiling

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

func (s *Server) createUpload(w http.ResponseWriter) error {
	s.mu.Lock()
	id := strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + strconv.Itoa(len(s.uploads))
	s.uploads[id] = make(map[int]*object)
	s.mu.Unlock()
	return answer(w, struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		UploadID string   `xml:"UploadId"`
	}{UploadID: id})
}

func (s *Server) putPart(w http.ResponseWriter, r *http.Request, q url.Values) error {
	n, err := strconv.Atoi(q.Get("partNumber"))
	if err != nil {
		return s3err.InvalidArgument
	}
	o, err := take(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parts, ok := s.uploads[q.Get("uploadId")]
	if !ok {
		return s3err.NoSuchUpload
	}
	parts[n] = o
	w.Header().Set("Etag", o.etag)
	return nil
}

// complete joins all parts, whatever the request says of them.
func (s *Server) complete(w http.ResponseWriter, bucket, name, id string) error {
	whole, err := s.join(id)
	if err != nil {
		return err
	}
	s.set(bucket+"/"+name, whole)
	return answer(w, struct {
		XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket, Key, ETag string
	}{Bucket: bucket, Key: name, ETag: whole.etag})
}

// join ends an upload: its parts, one after the other, are an object.
func (s *Server) join(id string) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.uploads[id]
	if parts[1] == nil {
		return nil, s3err.NoSuchUpload
	}
	delete(s.uploads, id)
	whole := *parts[1]
	for n, p := range parts {
		if n != 1 {
			whole.size += p.size
		}
	}
	return &whole, nil
}

func answer(w http.ResponseWriter, v any) error {
	b, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(b)
	return nil
}
