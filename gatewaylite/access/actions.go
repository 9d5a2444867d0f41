package access

import "strings"

// Actions that policies may name although no operation here needs them: a policy
// written for S3 should be accepted, and a mistyped one refused ("Actions, resources, and
// condition keys for Amazon S3", service authorization reference).
var (
	otherBucketActions = strings.Fields(`
		DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration
		GetBucketLogging GetBucketNotification GetBucketObjectLockConfiguration
		GetBucketOwnershipControls GetBucketPolicyStatus GetBucketPublicAccessBlock
		GetBucketRequestPayment GetBucketWebsite GetEncryptionConfiguration
		GetIntelligentTieringConfiguration GetInventoryConfiguration
		GetMetricsConfiguration GetReplicationConfiguration PutAccelerateConfiguration
		PutAnalyticsConfiguration PutBucketLogging PutBucketNotification
		PutBucketObjectLockConfiguration PutBucketOwnershipControls
		PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketWebsite
		PutEncryptionConfiguration PutIntelligentTieringConfiguration
		PutInventoryConfiguration PutMetricsConfiguration PutReplicationConfiguration`)
	otherObjectActions = strings.Fields(`
		BypassGovernanceRetention GetObjectLegalHold GetObjectRetention GetObjectTorrent
		GetObjectVersionForReplication GetObjectVersionTorrent InitiateReplication
		ObjectOwnerOverrideToBucketOwner PutObjectLegalHold PutObjectRetention
		ReplicateDelete ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption`)
)

// bucketActions and objectActions have every action, in lower case, by what it is
// done to.
var bucketActions, objectActions = allActions()

func allActions() (buckets, objects map[string]bool) {
	buckets, objects = make(map[string]bool), make(map[string]bool)
	add := func(to map[string]bool, names []string, prefix string) {
		for _, name := range names {
			to[strings.ToLower(prefix+name)] = true
		}
	}
	add(buckets, otherBucketActions, "s3:")
	add(objects, otherObjectActions, "s3:")
	for op := range operations {
		n := &operations[op]
		to := buckets
		if Op(op) >= GetObject {
			to = objects
		}
		if n.on != onService {
			add(to, n.actions, "")
			add(to, n.version, "")
		}
	}
	add(buckets, list("CreateBucket"), "s3:")
	return buckets, objects
}

// matchesAny says whether the glob matches an action of the set.
func matchesAny(set map[string]bool, pattern string) bool {
	for action := range set {
		if match(pattern, action) {
			return true
		}
	}
	return false
}
