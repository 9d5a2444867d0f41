package gatewaylite

import (
	"net/http"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

func (q *request) getLifecycle() error {
	if len(q.config.Lifecycle) == 0 {
		return q.none(s3err.NoSuchLifecycleConfiguration)
	}
	return q.answerBytes(http.StatusOK, "application/xml", q.config.Lifecycle)
}

func (q *request) putLifecycle() error {
	doc, err := q.document(maxDocument)
	if err != nil {
		return err
	}
	rules, err := access.ParseLifecycle(doc)
	if err != nil {
		return err
	}
	stored := make([]namespace.LifecycleRule, len(rules))
	for i := range rules {
		stored[i] = storedRule(&rules[i])
	}
	doc = access.LifecycleXML(rules) // with the ids that were given
	return q.configure(http.StatusOK, func(c *namespace.BucketRecord) { c.Lifecycle, c.Rules = doc, stored })
}

func (q *request) deleteLifecycle() error {
	return q.configure(http.StatusNoContent, func(c *namespace.BucketRecord) { c.Lifecycle, c.Rules = nil, nil })
}

func storedRule(r *access.Rule) namespace.LifecycleRule {
	l := namespace.LifecycleRule{
		ID: r.ID, Enabled: r.Enabled, Prefix: r.Prefix, Tags: storedTags(r.Tags),
		MinSize: r.MinSize, MaxSize: r.SizeBelow,
		ExpireAfterDays: r.ExpireAfterDays, ExpireDeleteMarkers: r.ExpireDeleteMarkers,
		NoncurrentDays: r.NoncurrentDays, KeepNewer: r.KeepNewer, AbortDays: r.AbortDays,
	}
	if !r.ExpireAt.IsZero() {
		l.ExpireAt = namespace.TimeOf(r.ExpireAt)
	}
	return l
}
