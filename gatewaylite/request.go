package gatewaylite

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/auth"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// request is one request on its way through the gateway. One goroutine has it.
type request struct {
	g    *Gateway
	w    *answerWriter
	r    *http.Request
	ctl  *http.ResponseController
	id   string // x-amz-request-id
	came time.Time

	address
	query   url.Values
	version string // versionId
	op      *operation

	who    *auth.Identity
	caller access.Principal

	bucket namespace.NodeID
	config namespace.BucketRecord
	policy *access.Policy

	admitted bool // has a place in slots
	body     *steadyBody
	err      *s3err.Error // what was answered, if it was an error
	size     int64        // of the object, for the log
}

func (q *request) ctx() context.Context { return q.r.Context() }

func (g *Gateway) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if isHealth(r) {
		g.health(w, r)
		return
	}
	q := g.begin(w, r)
	defer q.end()
	q.fail(q.serve())
}

func (g *Gateway) begin(w http.ResponseWriter, r *http.Request) *request {
	own := *r // net/http looks at the body of its request to know what is left of it
	q := &request{
		g: g, w: &answerWriter{ResponseWriter: w}, r: &own, ctl: http.NewResponseController(w),
		id: newRequestID(), came: time.Now(), op: unknown, caller: access.Nobody,
	}
	q.body = &steadyBody{q: q, src: r.Body, left: g.opts.Limits.Stall}
	own.Body = q.body
	if r.ContentLength != 0 {
		// Before net/http sends an error it waits for the rest of a body that
		// nobody read.
		_ = q.ctl.SetReadDeadline(q.came.Add(g.opts.Limits.Stall))
	}
	h := w.Header()
	h.Set("Server", "Cairn")
	h.Set("X-Amz-Request-Id", q.id)
	h.Set("X-Amz-Id-2", g.hostID)
	g.metrics.inFlight.Inc()
	return q
}

// end counts and logs, also when the connection is cut.
func (q *request) end() {
	q.g.metrics.inFlight.Dec()
	q.mayWrite(0)
	q.g.metrics.observe(q)
	q.g.lines.write(q)
	if q.admitted {
		<-q.g.slots
	}
}

// serve is the way of every request: where to, what, who, whether, and then the
// operation itself.
func (q *request) serve() error {
	select {
	case q.g.slots <- struct{}{}:
		q.admitted = true
	default:
		return s3err.New(s3err.SlowDown)
	}
	if err := q.find(); err != nil {
		return err
	}
	if q.r.Method == http.MethodOptions {
		return q.preflight()
	}
	if err := q.route(); err != nil {
		return err
	}
	if !q.op.form {
		if err := q.identify(); err != nil {
			return err
		}
	}
	return q.perform()
}

// perform does what was asked once it is known by whom.
func (q *request) perform() error {
	if q.level != onService && q.op.access != access.CreateBucket {
		if err := q.findBucket(); err != nil {
			return err
		}
		if err := q.expectOwner("X-Amz-Expected-Bucket-Owner"); err != nil {
			return err
		}
		if err := q.crossOrigin(); err != nil {
			return err
		}
	}
	if !q.op.late {
		if err := q.allow(q.op.access, nil); err != nil {
			return err
		}
	}
	return q.op.do(q)
}

// identify checks the signature.
func (q *request) identify() error {
	who, err := q.g.verifier.Verify(q.r, q.hostBucket)
	if err != nil {
		return err
	}
	return q.become(who)
}

// become makes the request that of a user.
func (q *request) become(who *auth.Identity) error {
	q.who = who
	if who.AccessKey == "" {
		return nil
	}
	u, _, err := q.g.users.byKey(q.ctx(), who.AccessKey)
	if err != nil {
		return err
	}
	if u.Replication {
		return s3err.AccessDenied
	}
	q.caller = access.Principal{Name: u.Name, CanonicalID: u.CanonicalID, Admin: u.Admin}
	return nil
}

// findBucket loads what decides about the bucket.
func (q *request) findBucket() error {
	b, config, err := q.g.findBucket(q.ctx(), q.bucketName)
	if err != nil {
		return err
	}
	q.bucket, q.config = b, config
	q.policy, err = q.g.parsedPolicy(q.bucketName, config.Policy)
	return err
}

// expectOwner refuses a bucket of somebody else than the header says, by canonical
// id ("Verifying bucket ownership with bucket owner condition", S3 user guide).
func (q *request) expectOwner(header string) error {
	if want := q.r.Header.Get(header); want != "" && want != q.config.Owner {
		return s3err.AccessDenied
	}
	return nil
}

func (g *Gateway) findBucket(ctx context.Context, name string) (namespace.NodeID, namespace.BucketRecord, error) {
	b, err := g.vol.BucketID(ctx, name)
	if err != nil {
		return b, namespace.BucketRecord{}, noSuchBucket(err, name)
	}
	config, err := g.vol.BucketConfig(ctx, b)
	if err != nil {
		return b, config, noSuchBucket(err, name)
	}
	if config.Owner == "" {
		config.Owner, err = g.users.first(ctx) // made by a mount
	}
	return b, config, err
}

// parsedPolicy is nil for none.
func (g *Gateway) parsedPolicy(bucket string, doc []byte) (*access.Policy, error) {
	if len(doc) == 0 {
		return nil, nil
	}
	return g.policies.get(bucket, doc)
}

// allow asks whether the caller may do this to the bucket, or to an object of it.
func (q *request) allow(op access.Op, object *access.ACL) error {
	return q.allowTagged(op, object, nil, nil)
}

// allowTagged is allow where tags may decide: those asked for and those there are.
func (q *request) allowTagged(op access.Op, object *access.ACL, asked, there access.Tags) error {
	rules := access.Rules{Object: object, Policy: q.policy}
	if q.level != onService {
		rules.Bucket = bucketACL(&q.config)
	}
	r := q.accessRequest(op)
	r.RequestTags, r.ExistingTags = asked, there
	return access.Decide(r, rules)
}

func (q *request) accessRequest(op access.Op) *access.Request {
	r := &access.Request{
		Op: op, Principal: q.caller, Bucket: q.bucketName, Key: q.key, VersionID: q.version,
		Secure: q.r.TLS != nil, Time: q.came, Header: q.r.Header, Query: q.query,
	}
	if ap, err := netip.ParseAddrPort(q.r.RemoteAddr); err == nil {
		r.SourceIP = ap.Addr().Unmap()
	}
	if q.who != nil {
		r.AuthType, r.SignatureVersion = q.who.Mechanism.AuthType(), q.who.Mechanism.SignatureVersion()
		if !q.who.Signed.IsZero() {
			r.SignatureAge = q.came.Sub(q.who.Signed)
		}
	}
	return r
}

// allowObject is allow for an operation on an object that was looked up: err is
// how that ended. Who may not list does not learn that there is nothing.
func (q *request) allowObject(op access.Op, info *namespace.ObjectInfo, err error) error {
	if err == nil {
		if denied := q.allowTagged(op, q.objectACL(info), nil, tagsOf(info)); denied != nil {
			return denied
		}
		if info.Marker {
			return q.isMarker(info)
		}
		return nil
	}
	if blockstore.KindOf(err) != blockstore.NotFound {
		return err
	}
	if denied := q.allow(op, nil); denied != nil {
		return denied
	}
	if info.Marker {
		return q.isMarker(info)
	}
	return q.noSuchKey(err)
}

// noSuchKey tells a missing version from a missing key.
func (q *request) noSuchKey(err error) error {
	if q.version != "" {
		return s3err.Wrap(s3err.NoSuchVersion, err).With("Key", q.key).With("VersionId", q.version)
	}
	return s3err.Wrap(s3err.NoSuchKey, err).With("Key", q.key)
}

// isMarker: reading a delete marker is NoSuchKey if it is the current version,
// MethodNotAllowed if it was asked for ("Working with delete markers", S3 user guide).
func (q *request) isMarker(info *namespace.ObjectInfo) error {
	h := q.w.Header()
	h.Set("X-Amz-Delete-Marker", "true")
	setVersion(h, info.Version)
	if q.version == "" {
		return s3err.New(s3err.NoSuchKey).With("Key", q.key)
	}
	h.Set("Last-Modified", httpTime(info.Modified))
	h.Set("Allow", "DELETE")
	return s3err.New(s3err.MethodNotAllowed).With("Method", q.r.Method).With("ResourceType", "DeleteMarker")
}

func setVersion(h http.Header, version string) {
	if version != "" {
		h.Set("X-Amz-Version-Id", version)
	}
}

// setNewVersion is setVersion for an object that was just made: S3 tells the version
// where versioning is on, not where it is suspended ("PutObject", S3 API reference).
func setNewVersion(h http.Header, version string) {
	if version != null {
		setVersion(h, version)
	}
}
