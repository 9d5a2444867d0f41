// Package access is who may do what through the S3 gateway, and the bucket
// settings that decide it: bucket policies, access control lists, CORS rules; and
// with them the two other documents that S3 keeps beside a bucket, tag sets and
// lifecycle rules. Bytes in, decisions and plain structs out.
//
//	operations.go             what each S3 operation needs
//	decide.go                 the one entry: Decide
//	request.go, keys.go       what is known of a request, by condition key
//	policy*.go, pattern.go,   bucket policies: parse, evaluate
//	condition.go, actions.go
//	acl*.go, canned.go,       access control lists: headers, XML, stored form
//	grant.go
//	cors*.go                  cross-origin rules: parse, match
//	tags.go                   tag sets of buckets and objects
//	lifecycle*.go             lifecycle rules: parse, check, print
//
// It knows no volume, reads no record and answers no request: the gateway
// fetches the documents, asks, and acts. Everything that it refuses is an
// *s3err.Error. It imports the standard library and s3err only.
//
// Sources: "Access policy language" and "Policy evaluation logic" of the IAM user
// guide, "Access control list overview" and "Cross-origin resource sharing" of the S3
// user guide, and the S3 API reference.
package access
