package gatewaylite

import (
	"net/http"
	"strings"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

func preconditionFailed(header string) error {
	return s3err.New(s3err.PreconditionFailed).With("Condition", header)
}

// checkRead asks the conditions of a GET or HEAD ("GetObject", S3 API reference;
// RFC 9110, 13.2.2): If-Match outweighs If-Unmodified-Since, If-None-Match
// outweighs If-Modified-Since.
func checkRead(h http.Header, info *namespace.ObjectInfo) error {
	failed, same := compare(h, "", info)
	switch {
	case failed != "":
		return preconditionFailed(failed)
	case same != "":
		return s3err.NotModified
	}
	return nil
}

// checkSource asks the conditions on the source of a copy, where all that do not
// hold are failures ("CopyObject", S3 API reference).
func checkSource(h http.Header, info *namespace.ObjectInfo) error {
	failed, same := compare(h, "X-Amz-Copy-Source-", info)
	if failed == "" {
		failed = same
	}
	if failed != "" {
		return preconditionFailed(strings.ToLower(failed))
	}
	return nil
}

// compare names the condition that asks for a state the object is not in, and the
// one that says that the client has it already.
func compare(h http.Header, prefix string, info *namespace.ObjectInfo) (failed, same string) {
	match, unmodified := prefix+"If-Match", prefix+"If-Unmodified-Since"
	none, modified := prefix+"If-None-Match", prefix+"If-Modified-Since"
	switch {
	case h.Get(match) != "":
		if !hasETag(h.Get(match), info.ETag) {
			failed = match
		}
	case changedSince(h.Get(unmodified), info) == yes:
		failed = unmodified
	}
	switch {
	case h.Get(none) != "":
		if hasETag(h.Get(none), info.ETag) {
			same = none
		}
	case changedSince(h.Get(modified), info) == no:
		same = modified
	}
	return failed, same
}

// hasETag says whether a list of entity tags, or *, has this one. Clients of S3
// leave out the quotes.
func hasETag(list, etag string) bool {
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.Trim(strings.TrimPrefix(item, "W/"), `"`) == etag {
			return true
		}
	}
	return false
}

type verdict uint8

const (
	unsaid verdict = iota
	yes
	no
)

// changedSince compares to the second, which is all that a header has. What is no
// date is no condition (RFC 9110, 13.1.3).
func changedSince(date string, info *namespace.ObjectInfo) verdict {
	if date == "" {
		return unsaid
	}
	t, err := http.ParseTime(date)
	switch {
	case err != nil:
		return unsaid
	case second(info.Modified).After(t):
		return yes
	}
	return no
}

// writeTerms are the conditions of a write, to be asked in the change itself; nil
// if there are none ("Conditional writes", S3 user guide).
func (q *request) writeTerms() (func(current *namespace.ObjectInfo) error, error) {
	match, none := q.r.Header.Get("If-Match"), q.r.Header.Get("If-None-Match")
	switch {
	case match == "" && none == "":
		return nil, nil
	case match != "" && none != "":
		return nil, s3err.New(s3err.NotImplemented).With("Header", "If-Match, If-None-Match")
	case none != "" && strings.TrimSpace(none) != "*":
		return nil, s3err.New(s3err.NotImplemented).With("Header", "If-None-Match")
	}
	return func(current *namespace.ObjectInfo) error {
		absent := current == nil || current.Marker
		switch {
		case none != "" && !absent:
			return preconditionFailed("If-None-Match")
		case match != "" && absent:
			return s3err.New(s3err.NoSuchKey).With("Key", q.key)
		case match != "" && !hasETag(match, current.ETag):
			return preconditionFailed("If-Match")
		}
		return nil
	}, nil
}
