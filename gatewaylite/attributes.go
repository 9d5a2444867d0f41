package gatewaylite

import (
	"strings"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// getAttributes answers GetObjectAttributes: only what is asked for, in the order of
// the API reference.
func (q *request) getAttributes() error {
	asked, err := q.askedAttributes()
	if err != nil {
		return err
	}
	info, err := q.stat(access.GetObjectAttributes)
	if err != nil {
		return err
	}
	if err := checkRead(q.r.Header, &info); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Last-Modified", httpTime(info.Modified))
	setVersion(h, info.Version)
	d := newDocument("GetObjectAttributesResponse")
	if asked["ETag"] {
		d.text("ETag", info.ETag) // without quotes
	}
	if sums := sumsOf(&info); asked["Checksum"] && len(sums) > 0 {
		d.open("Checksum")
		d.sums(sums, true)
		d.close("Checksum")
	}
	if parts := partsOf(&info); asked["ObjectParts"] && len(parts) > 0 {
		if err := q.objectParts(d, parts); err != nil {
			return err
		}
	}
	if asked["StorageClass"] {
		d.text("StorageClass", classOf(&info))
	}
	if asked["ObjectSize"] {
		d.number("ObjectSize", info.Attr.Size)
	}
	return q.answer(d)
}

func (q *request) askedAttributes() (map[string]bool, error) {
	asked := make(map[string]bool)
	for _, header := range q.r.Header.Values("X-Amz-Object-Attributes") {
		for name := range strings.SplitSeq(header, ",") {
			name = strings.TrimSpace(name)
			switch name {
			case "ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize":
				asked[name] = true
			default:
				return nil, badArgument("x-amz-object-attributes", name, "Invalid attribute name specified.")
			}
		}
	}
	if len(asked) == 0 {
		return nil, s3err.Errorf(s3err.InvalidRequest, "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	return asked, nil
}

// objectParts writes the count of the parts, and those with checksums one by one.
func (q *request) objectParts(d *document, parts []namespace.Part) error {
	limit, err := headerNumber(q.r.Header.Get("X-Amz-Max-Parts"), "x-amz-max-parts", maxList)
	if err != nil {
		return err
	}
	marker, err := headerNumber(q.r.Header.Get("X-Amz-Part-Number-Marker"), "x-amz-part-number-marker", 0)
	if err != nil {
		return err
	}
	limit = min(limit, maxList)
	first := min(marker, len(parts))
	last := min(first+limit, len(parts))
	d.open("ObjectParts")
	d.number("PartsCount", int64(len(parts)))
	if len(parts[0].Checksums) > 0 {
		d.number("PartNumberMarker", int64(marker))
		d.number("NextPartNumberMarker", int64(last))
		d.number("MaxParts", int64(limit))
		d.flag("IsTruncated", last < len(parts))
		for i := first; i < last; i++ {
			d.open("Part")
			d.sums(parts[i].Checksums, false)
			d.number("PartNumber", int64(i+1))
			d.number("Size", parts[i].Size)
			d.close("Part")
		}
	}
	d.close("ObjectParts")
	return nil
}
