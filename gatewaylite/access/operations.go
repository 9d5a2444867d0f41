package access

// Op is an operation of the S3 API, as far as access is concerned.
type Op uint8

// The operations. The two listings of objects are one, and so are HEAD and GET
// where one permission covers both. Copying needs GetObject on the source and CopyObject
// (or UploadPartCopy) on the target, asked one after the other; DeleteObjects
// needs DeleteObject for each key.
const (
	_ Op = iota
	ListBuckets
	CreateBucket
	HeadBucket
	DeleteBucket
	GetBucketLocation
	ListObjects
	ListObjectVersions
	ListMultipartUploads
	GetBucketACL
	PutBucketACL
	GetBucketPolicy
	PutBucketPolicy
	DeleteBucketPolicy
	GetBucketCORS
	PutBucketCORS
	DeleteBucketCORS
	GetBucketTagging
	PutBucketTagging
	DeleteBucketTagging
	GetBucketVersioning
	PutBucketVersioning
	GetBucketLifecycle
	PutBucketLifecycle
	DeleteBucketLifecycle
	GetObject
	HeadObject
	GetObjectAttributes
	PutObject
	CopyObject
	DeleteObject
	GetObjectACL
	PutObjectACL
	GetObjectTagging
	PutObjectTagging
	DeleteObjectTagging
	CreateMultipartUpload
	UploadPart
	UploadPartCopy
	CompleteMultipartUpload
	AbortMultipartUpload
	ListParts
	opCount
)

// scope is whose list of grants decides when no policy does.
type scope uint8

const (
	onService scope = iota // nobody's: whoever has a key may
	onBucket               // that of the bucket
	onObject               // that of the object, or of the upload
)

// need is what an operation asks for.
type need struct {
	name         string
	actions      []string   // all of these, of the policy language
	version      []string   // instead of actions, when a version is named
	on           scope      // whose grants
	grant        Permission // which grant will do; 0: none, only the owner
	keepVersions bool       // when a version is named, no grant will do
	policy       bool       // the bucket's owner and admins may, whatever the policy says
}

func list(actions ...string) []string { return actions }

// operations is the table of needs ("Required permissions for Amazon S3 API
// operations" and "Mapping of ACL permissions and access policy permissions",
// S3 user guide).
var operations = [opCount]need{
	ListBuckets:          {name: "ListBuckets", actions: list("s3:ListAllMyBuckets")},
	CreateBucket:         {name: "CreateBucket", actions: list("s3:CreateBucket")},
	HeadBucket:           {name: "HeadBucket", actions: list("s3:ListBucket"), on: onBucket, grant: Read},
	DeleteBucket:         {name: "DeleteBucket", actions: list("s3:DeleteBucket"), on: onBucket},
	GetBucketLocation:    {name: "GetBucketLocation", actions: list("s3:GetBucketLocation"), on: onBucket},
	ListObjects:          {name: "ListObjects", actions: list("s3:ListBucket"), on: onBucket, grant: Read},
	ListObjectVersions:   {name: "ListObjectVersions", actions: list("s3:ListBucketVersions"), on: onBucket, grant: Read},
	ListMultipartUploads: {name: "ListMultipartUploads", actions: list("s3:ListBucketMultipartUploads"), on: onBucket, grant: Read},

	GetBucketACL:          {name: "GetBucketAcl", actions: list("s3:GetBucketAcl"), on: onBucket, grant: ReadACP},
	PutBucketACL:          {name: "PutBucketAcl", actions: list("s3:PutBucketAcl"), on: onBucket, grant: WriteACP},
	GetBucketPolicy:       {name: "GetBucketPolicy", actions: list("s3:GetBucketPolicy"), on: onBucket, policy: true},
	PutBucketPolicy:       {name: "PutBucketPolicy", actions: list("s3:PutBucketPolicy"), on: onBucket, policy: true},
	DeleteBucketPolicy:    {name: "DeleteBucketPolicy", actions: list("s3:DeleteBucketPolicy"), on: onBucket, policy: true},
	GetBucketCORS:         {name: "GetBucketCors", actions: list("s3:GetBucketCORS"), on: onBucket},
	PutBucketCORS:         {name: "PutBucketCors", actions: list("s3:PutBucketCORS"), on: onBucket},
	DeleteBucketCORS:      {name: "DeleteBucketCors", actions: list("s3:PutBucketCORS"), on: onBucket},
	GetBucketTagging:      {name: "GetBucketTagging", actions: list("s3:GetBucketTagging"), on: onBucket},
	PutBucketTagging:      {name: "PutBucketTagging", actions: list("s3:PutBucketTagging"), on: onBucket},
	DeleteBucketTagging:   {name: "DeleteBucketTagging", actions: list("s3:PutBucketTagging"), on: onBucket},
	GetBucketVersioning:   {name: "GetBucketVersioning", actions: list("s3:GetBucketVersioning"), on: onBucket},
	PutBucketVersioning:   {name: "PutBucketVersioning", actions: list("s3:PutBucketVersioning"), on: onBucket},
	GetBucketLifecycle:    {name: "GetBucketLifecycleConfiguration", actions: list("s3:GetLifecycleConfiguration"), on: onBucket},
	PutBucketLifecycle:    {name: "PutBucketLifecycleConfiguration", actions: list("s3:PutLifecycleConfiguration"), on: onBucket},
	DeleteBucketLifecycle: {name: "DeleteBucketLifecycle", actions: list("s3:PutLifecycleConfiguration"), on: onBucket},

	GetObject:  {name: "GetObject", actions: list("s3:GetObject"), version: list("s3:GetObjectVersion"), on: onObject, grant: Read},
	HeadObject: {name: "HeadObject", actions: list("s3:GetObject"), version: list("s3:GetObjectVersion"), on: onObject, grant: Read},
	GetObjectAttributes: {name: "GetObjectAttributes", actions: list("s3:GetObject", "s3:GetObjectAttributes"),
		version: list("s3:GetObjectVersion", "s3:GetObjectVersionAttributes"), on: onObject, grant: Read},
	PutObject:  {name: "PutObject", actions: list("s3:PutObject"), on: onBucket, grant: Write},
	CopyObject: {name: "CopyObject", actions: list("s3:PutObject"), on: onBucket, grant: Write},

	DeleteObject: {name: "DeleteObject", actions: list("s3:DeleteObject"), version: list("s3:DeleteObjectVersion"),
		on: onBucket, grant: Write, keepVersions: true},
	GetObjectACL: {name: "GetObjectAcl", actions: list("s3:GetObjectAcl"), version: list("s3:GetObjectVersionAcl"), on: onObject, grant: ReadACP},
	PutObjectACL: {name: "PutObjectAcl", actions: list("s3:PutObjectAcl"), version: list("s3:PutObjectVersionAcl"), on: onObject, grant: WriteACP},

	GetObjectTagging:    {name: "GetObjectTagging", actions: list("s3:GetObjectTagging"), version: list("s3:GetObjectVersionTagging"), on: onObject},
	PutObjectTagging:    {name: "PutObjectTagging", actions: list("s3:PutObjectTagging"), version: list("s3:PutObjectVersionTagging"), on: onObject},
	DeleteObjectTagging: {name: "DeleteObjectTagging", actions: list("s3:DeleteObjectTagging"), version: list("s3:DeleteObjectVersionTagging"), on: onObject},

	CreateMultipartUpload:   {name: "CreateMultipartUpload", actions: list("s3:PutObject"), on: onBucket, grant: Write},
	UploadPart:              {name: "UploadPart", actions: list("s3:PutObject"), on: onBucket, grant: Write},
	UploadPartCopy:          {name: "UploadPartCopy", actions: list("s3:PutObject"), on: onBucket, grant: Write},
	CompleteMultipartUpload: {name: "CompleteMultipartUpload", actions: list("s3:PutObject"), on: onBucket, grant: Write},
	AbortMultipartUpload:    {name: "AbortMultipartUpload", actions: list("s3:AbortMultipartUpload"), on: onObject},
	ListParts:               {name: "ListParts", actions: list("s3:ListMultipartUploadParts"), on: onObject},
}

// String is the name of the operation in the S3 API reference.
func (o Op) String() string {
	if o == 0 || o >= opCount {
		return "unknown operation"
	}
	return operations[o].name
}

// Ops returns every operation, for tests of tables.
func Ops() []Op {
	ops := make([]Op, 0, opCount)
	for o := Op(1); o < opCount; o++ {
		ops = append(ops, o)
	}
	return ops
}

// makesObject says whether the operation gives a new object its grants and tags, so
// that their headers ask for more.
func (o Op) makesObject() bool {
	return o == PutObject || o == CopyObject || o == CreateMultipartUpload
}

// needed are the actions that the request needs, all of them. ("PutObject",
// S3 API reference: s3:PutObjectAcl and s3:PutObjectTagging go with the headers.)
func (r *Request) needed() []string {
	n := &operations[r.Op]
	if r.VersionID != "" && n.version != nil {
		return n.version
	}
	if !r.Op.makesObject() {
		return n.actions
	}
	actions := n.actions[:len(n.actions):len(n.actions)]
	if HasACLHeaders(r.Header) {
		actions = append(actions, "s3:PutObjectAcl")
	}
	if len(r.RequestTags) > 0 {
		actions = append(actions, "s3:PutObjectTagging")
	}
	return actions
}
