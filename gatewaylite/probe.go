package gatewaylite

import (
	"net/http"

	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// probes are the configurations that buckets and objects never have here, but that
// clients look for: reading one answers as S3 does where it was never set, removing
// it does nothing. Setting one is not implemented.
var probes = []operation{
	absent("object-lock", s3err.ObjectLockConfigurationNotFoundError),
	absent("encryption", s3err.ServerSideEncryptionConfigurationNotFoundError),
	absent("website", s3err.NoSuchWebsiteConfiguration),
	absent("replication", s3err.ReplicationConfigurationNotFoundError),
	absent("publicAccessBlock", s3err.NoSuchPublicAccessBlockConfiguration),
	absent("ownershipControls", s3err.OwnershipControlsNotFoundError),
	blank("logging", "BucketLoggingStatus"),
	blank("notification", "NotificationConfiguration"),
	blank("accelerate", "AccelerateConfiguration"),
	blank("requestPayment", "RequestPaymentConfiguration", "Payer", "BucketOwner"),
	blank("analytics", "ListBucketAnalyticsConfigurationResult", "IsTruncated", "false"),
	blank("inventory", "ListInventoryConfigurationsResult", "IsTruncated", "false"),
	blank("metrics", "ListMetricsConfigurationsResult", "IsTruncated", "false"),
	blank("intelligent-tiering", "ListBucketIntelligentTieringConfigurationsOutput", "IsTruncated", "false"),
	unset("website"), unset("encryption"), unset("replication"), unset("publicAccessBlock"), unset("ownershipControls"),
	noLock("retention"), noLock("legal-hold"),
}

// unbuilt are the sub-resources of which something is not implemented.
var unbuilt = func() map[string]bool {
	m := map[string]bool{"torrent": true, "select": true, "restore": true, "session": true}
	for _, p := range probes {
		m[p.sub] = true
	}
	return m
}()

func probe(method string, on level, sub string, do func(*request) error) operation {
	return operation{method: method, on: on, sub: sub, access: access.GetBucketLocation, log: "PROBE", name: "Probe", do: do}
}

func absent(sub string, code s3err.Code) operation {
	return probe(get, onBucket, sub, func(q *request) error { return q.none(code) })
}

// blank answers with a document of no more than an element.
func blank(sub, root string, element ...string) operation {
	return probe(get, onBucket, sub, func(q *request) error {
		d := newDocument(root)
		if len(element) == 2 {
			d.text(element[0], element[1])
		}
		return q.answer(d)
	})
}

func unset(sub string) operation {
	return probe(del, onBucket, sub, func(q *request) error { return q.empty(http.StatusNoContent) })
}

func noLock(sub string) operation {
	return probe(get, onObject, sub, func(*request) error {
		return s3err.Errorf(s3err.InvalidRequest, "Bucket is missing Object Lock Configuration")
	})
}
