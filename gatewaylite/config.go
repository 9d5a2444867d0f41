package gatewaylite

import (
	"encoding/xml"
	"net/http"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// maxCORS bounds a CORS configuration ("PutBucketCors", S3 API reference).
const maxCORS = 64 << 10

// none is the answer where a bucket does not have such a configuration.
func (q *request) none(code s3err.Code) error {
	return s3err.New(code).With("BucketName", q.bucketName)
}

func (q *request) getPolicy() error {
	if len(q.config.Policy) == 0 {
		return q.none(s3err.NoSuchBucketPolicy)
	}
	return q.answerBytes(http.StatusOK, "application/json", q.config.Policy)
}

func (q *request) putPolicy() error {
	doc, err := q.document(access.MaxPolicy)
	if err != nil {
		return err
	}
	exists, err := q.userExists()
	if err != nil {
		return err
	}
	if _, err := access.ParsePolicy(q.bucketName, doc, exists); err != nil {
		return err
	}
	return q.configure(http.StatusNoContent, func(c *namespace.BucketRecord) { c.Policy = doc })
}

// userExists knows users by name and by canonical id.
func (q *request) userExists() (func(string) bool, error) {
	all, err := q.g.users.list(q.ctx())
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, 2*len(all))
	for id, u := range all {
		known[id], known[u.Name] = true, true
	}
	return func(user string) bool { return known[user] }, nil
}

func (q *request) deletePolicy() error {
	return q.configure(http.StatusNoContent, func(c *namespace.BucketRecord) { c.Policy = nil })
}

// getPolicyStatus says whether the policy lets in who has no key.
func (q *request) getPolicyStatus() error {
	if q.policy == nil {
		return q.none(s3err.NoSuchBucketPolicy)
	}
	d := newDocument("PolicyStatus")
	d.flag("IsPublic", q.policy.Public())
	return q.answer(d)
}

func (q *request) getCORS() error {
	if len(q.config.CORS) == 0 {
		return q.none(s3err.NoSuchCORSConfiguration)
	}
	return q.answerBytes(http.StatusOK, "application/xml", q.config.CORS)
}

func (q *request) putCORS() error {
	doc, err := q.document(maxCORS)
	if err != nil {
		return err
	}
	cors, err := access.ParseCORS(doc)
	if err != nil {
		return err
	}
	return q.configure(http.StatusOK, func(c *namespace.BucketRecord) { c.CORS = cors.XML() })
}

func (q *request) deleteCORS() error {
	return q.configure(http.StatusNoContent, func(c *namespace.BucketRecord) { c.CORS = nil })
}

// corsRules are nil for a bucket without any.
func (q *request) corsRules(config *namespace.BucketRecord) (*access.CORS, error) {
	if len(config.CORS) == 0 {
		return nil, nil
	}
	return q.g.cors.get(q.bucketName, config.CORS)
}

// crossOrigin adds what lets a browser hand the answer to a script.
func (q *request) crossOrigin() error {
	origin := q.r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	rules, err := q.corsRules(&q.config)
	if err != nil || rules == nil {
		return err
	}
	q.addHeaders(rules.Headers(origin, q.r.Method))
	return nil
}

// preflight answers OPTIONS ("OPTIONS object", S3 API reference), for which nobody
// signs.
func (q *request) preflight() error {
	_, config, err := q.g.findBucket(q.ctx(), q.bucketName)
	if err != nil {
		return err
	}
	rules, err := q.corsRules(&config)
	if err != nil {
		return err
	}
	kind := "OBJECT"
	if q.level != onObject {
		kind = "BUCKET"
	}
	h := q.r.Header
	q.op = &operation{log: "PREFLIGHT", name: "Preflight"}
	answer, err := rules.Preflight(h.Get("Origin"), h.Get("Access-Control-Request-Method"), h.Get("Access-Control-Request-Headers"), kind)
	if err != nil {
		return err
	}
	q.addHeaders(answer)
	return q.empty(http.StatusOK)
}

func (q *request) addHeaders(more http.Header) {
	for name, values := range more {
		q.w.Header()[name] = values
	}
}

func (q *request) getVersioning() error {
	d := newDocument("VersioningConfiguration")
	d.some("Status", q.config.Versioning)
	return q.answer(d)
}

func (q *request) putVersioning() error {
	var in struct {
		XMLName   xml.Name `xml:"VersioningConfiguration"`
		Status    string
		MfaDelete string
	}
	if err := q.parse(maxDocument, &in); err != nil {
		return err
	}
	switch {
	case in.MfaDelete != "" && in.MfaDelete != "Disabled":
		return s3err.New(s3err.NotImplemented).With("Header", "MfaDelete")
	case in.Status != namespace.VersioningEnabled && in.Status != namespace.VersioningSuspended:
		return s3err.New(s3err.IllegalVersioningConfigurationException)
	}
	return q.configure(http.StatusOK, func(c *namespace.BucketRecord) { c.Versioning = in.Status })
}
