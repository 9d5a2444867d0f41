// Package gatewaylite is the S3 door: it answers the S3 API over HTTP from one
// volume. A handler parses, asks who may, makes one call of the volume and answers.
//
//	gateway.go, serve.go   Options, New, Handler, Serve; health
//	request.go, address.go one request: who, which bucket, which key
//	route.go               method, level and sub-resource → operation
//	bucket.go, list.go, versions.go, uploads.go, get.go, put.go, copy.go,
//	delete.go, multipart.go, complete.go, post.go, acl.go, tagging.go, config.go,
//	attributes.go, probe.go
//	                       the operations
//	headers.go, condition.go, ranges.go, sums.go
//	                       what the headers of objects mean
//	body.go, send.go, limits.go
//	                       bytes in, bytes out, and how long that may take
//	answer.go, xml.go, errors.go
//	                       what is said to the client
//	accesslog.go, metrics.go, users.go
//
// What is under a key, how keys are ordered, and what becomes of replaced
// content is the business of blockstore/namespace. Signatures are in auth, who
// may do what in access, checksums in checksum, the error codes in s3err; those four
// know no volume. The gateway imports blockstore, blockstore/namespace, these four
// and well-kept libraries; no other door, no engine, no cache.
package gatewaylite
