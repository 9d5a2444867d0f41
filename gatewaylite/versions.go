package gatewaylite

import "github.com/cairnfs/cairn/blockstore/namespace"

// null is the version of what was put while a bucket was not versioned.
const null = "null"

// listVersions answers ListObjectVersions.
func (q *request) listVersions() error {
	l, err := q.parseListing("max-keys")
	if err != nil {
		return err
	}
	keyMarker, versionMarker := q.query.Get("key-marker"), q.query.Get("version-id-marker")
	if versionMarker != "" && keyMarker == "" {
		return badArgument("version-id-marker", versionMarker, "A version-id marker cannot be specified without a key marker.")
	}
	p, err := q.versionPage(l, keyMarker, versionMarker)
	if err != nil {
		return err
	}
	d := newDocument("ListVersionsResult")
	d.text("Name", q.bucketName)
	d.text("Prefix", l.encode(l.prefix))
	d.text("KeyMarker", l.encode(keyMarker))
	d.text("VersionIdMarker", versionMarker)
	if p.truncated {
		d.text("NextKeyMarker", l.encode(p.last()))
		if e := &p.entries[len(p.entries)-1]; e.CommonPrefix == "" {
			d.text("NextVersionIdMarker", shownVersion(&e.ObjectInfo))
		}
	}
	l.limits(d, p.truncated)
	q.versionEntries(d, l, &p)
	return q.answer(d)
}

func (q *request) versionPage(l listing, keyMarker, versionMarker string) (page, error) {
	var p page
	if l.limit == 0 {
		return p, nil
	}
	versions := namespace.ListVersions{
		Prefix: l.prefix, Delimiter: l.delimiter, KeyMarker: keyMarker, VersionMarker: versionMarker,
	}
	for e, err := range q.g.vol.ListVersions(q.ctx(), q.bucket, versions) {
		if err != nil {
			return p, err
		}
		if len(p.entries) == l.limit {
			p.truncated = true
			break
		}
		p.entries = append(p.entries, e)
	}
	return p, nil
}

func (q *request) versionEntries(d *document, l listing, p *page) {
	names := q.g.users.names(q.ctx())
	for i := range p.entries {
		e := &p.entries[i].ObjectInfo
		if p.entries[i].CommonPrefix != "" {
			continue
		}
		owner := q.objectACL(e).Owner
		display, _ := names(owner)
		name := "Version"
		if e.Marker {
			name = "DeleteMarker"
		}
		d.open(name)
		d.text("Key", l.encode(e.Key))
		d.text("VersionId", shownVersion(e))
		d.flag("IsLatest", e.Latest)
		if e.Marker {
			d.time("LastModified", e.Modified)
			d.owner("Owner", owner, display)
		} else {
			d.objectFields(e)
			d.owner("Owner", owner, display)
			d.text("StorageClass", classOf(e))
		}
		d.close(name)
	}
	d.commonPrefixes(l, p)
}

func shownVersion(info *namespace.ObjectInfo) string {
	if info.Version == "" {
		return null
	}
	return info.Version
}
