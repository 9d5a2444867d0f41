package namespace

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// What S3 tells of an object beside its content shows in a mount as extended
// attributes, and is changed by them:
//
//	user.s3.meta.KEY     x-amz-meta-KEY
//	user.mime_type       Content-Type
//	user.s3.header.NAME  another header that was kept
//
// The truth is in the node's Object alone.
const (
	xattrMeta   = "user.s3.meta."
	xattrType   = "user.mime_type"
	xattrHeader = "user.s3.header."

	contentType = "Content-Type"
)

// settableHeaders may be set through a mount (S3 PutObject, the request headers
// that are stored as they are).
var settableHeaders = []string{
	contentType, "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires",
}

// objectField is what an extended attribute stands for: the metadata or the
// headers of an object, and the key in it; nil: it stands for itself.
func objectField(name string) (field func(*Object) *map[string]string, key string) {
	metadata := func(o *Object) *map[string]string { return &o.Metadata }
	headers := func(o *Object) *map[string]string { return &o.Headers }
	if name == xattrType {
		return headers, contentType
	}
	if key, ok := strings.CutPrefix(name, xattrMeta); ok {
		return metadata, key
	}
	if key, ok := strings.CutPrefix(name, xattrHeader); ok {
		return headers, key
	}
	return nil, ""
}

// xattr returns an extended attribute, which nobody may change.
func (n *Node) xattr(name string) ([]byte, bool) {
	field, key := objectField(name)
	if field == nil {
		value, ok := n.Xattrs[name]
		return value, ok
	}
	if n.Object == nil || name == xattrHeader+contentType {
		return nil, false
	}
	value, ok := (*field(n.Object))[key]
	return []byte(value), ok
}

// xattrNames are the names of all extended attributes, sorted.
func (n *Node) xattrNames() []string {
	names := slices.Collect(maps.Keys(n.Xattrs))
	if o := n.Object; o != nil {
		for key := range o.Metadata {
			names = append(names, xattrMeta+key)
		}
		for key := range o.Headers {
			if key == contentType {
				names = append(names, xattrType)
			} else {
				names = append(names, xattrHeader+key)
			}
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return len(name) > MaxName })
	slices.Sort(names)
	return names
}

// setXattr sets an extended attribute of a node that is the caller's; nil
// removes it.
func (n *Node) setXattr(name string, value []byte) error {
	field, key := objectField(name)
	if field == nil {
		setKey(&n.Xattrs, name, value, value != nil)
		return nil
	}
	if value != nil && !objectAccepts(name, key, value) {
		return blockstore.E("set attribute", name, blockstore.Invalid, errors.New("S3 could not tell it"))
	}
	n.Object = n.Object.clone()
	setKey(field(n.Object), key, string(value), value != nil)
	return nil
}

func setKey[V any](m *map[string]V, key string, value V, present bool) {
	if !present {
		delete(*m, key)
		return
	}
	if *m == nil {
		*m = make(map[string]V)
	}
	(*m)[key] = value
}

// objectAccepts says whether a value can be sent as a header (RFC 9110, 5.1 and
// 5.5).
func objectAccepts(name, key string, value []byte) bool {
	if name != xattrType && strings.HasPrefix(name, xattrHeader) && (key == contentType || !slices.Contains(settableHeaders, key)) {
		return false
	}
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	return isToken(key) && !strings.ContainsFunc(string(value), control)
}

// isToken: RFC 9110, 5.6.2; of metadata keys, which S3 has in lower case only.
func isToken(key string) bool {
	const others = "!#$%&'*+-.^_`|~"
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(others, r)
	})
}

// xattrBytes is how much room the extended attributes take.
func (n *Node) xattrBytes() int {
	total := 0
	for k, v := range n.Xattrs {
		total += len(k) + len(v)
	}
	if o := n.Object; o != nil {
		for _, m := range []map[string]string{o.Metadata, o.Headers} {
			for k, v := range m {
				total += len(k) + len(v)
			}
		}
	}
	return total
}
