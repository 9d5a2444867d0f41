package access

import (
	"net/http"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Users finds the display name of the user with a canonical id.
type Users func(id string) (displayName string, ok bool)

// HasACLHeaders says whether the request names an ACL in its headers.
func HasACLHeaders(h http.Header) bool {
	return h.Get("X-Amz-Acl") != "" || hasGrants(h)
}

func hasGrants(h http.Header) bool {
	for _, n := range permissionNames {
		if len(h.Values(n.header)) > 0 {
			return true
		}
	}
	return false
}

// FromHeaders is the ACL that x-amz-acl or the x-amz-grant headers ask for, by the
// rules of Canned; nil if there are neither ("PutObjectAcl", S3 API reference). Grants in
// headers are all there is: the owner gets none that is not named.
func FromHeaders(h http.Header, owner, bucketOwner string, users Users) (*ACL, error) {
	canned, grants := h.Get("X-Amz-Acl"), hasGrants(h)
	switch {
	case canned != "" && grants:
		return nil, s3err.Errorf(s3err.InvalidRequest, "Specifying both Canned ACLs and Header Grants is not allowed")
	case canned != "":
		return Canned(canned, owner, bucketOwner)
	case !grants:
		return nil, nil
	}
	acl := &ACL{Owner: owner}
	for _, n := range permissionNames {
		for _, value := range h.Values(n.header) {
			if err := acl.addGrantees(value, n.permission, users); err != nil {
				return nil, err
			}
		}
	}
	return acl, nil
}

// addGrantees reads id="…", uri="…", … with or without the quotes.
func (a *ACL) addGrantees(header string, p Permission, users Users) error {
	for item := range strings.SplitSeq(header, ",") {
		kind, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		if !ok {
			return badArgument("Argument format not recognized", strings.TrimSpace(item), header)
		}
		g, err := parseGrantee(strings.TrimSpace(kind), unquote(strings.TrimSpace(value)), users)
		if err != nil {
			return err
		}
		g.Permission = p
		if err := a.add(g); err != nil {
			return err
		}
	}
	return nil
}

// add refuses the grant past the last: S3 has no code of its own for it.
func (a *ACL) add(g Grant) error {
	if len(a.Grants) == MaxGrants {
		return s3err.Errorf(s3err.InvalidRequest, "An access control list can have at most %d grants", MaxGrants)
	}
	a.Grants = append(a.Grants, g)
	return nil
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// parseGrantee reads a grantee by its kind in the headers. Users have no address here, so
// that none can be found by one.
func parseGrantee(kind, value string, users Users) (Grant, error) {
	switch lower(kind) {
	case "id":
		if _, ok := users(value); !ok {
			return Grant{}, badArgument("Invalid id", "CanonicalUser/ID", value)
		}
		return Grant{ID: value}, nil
	case "uri":
		g, ok := parseGroup(value)
		if !ok {
			return Grant{}, badArgument("Invalid group uri", "Group/URI", value)
		}
		return Grant{Group: g}, nil
	case "emailaddress":
		return Grant{}, s3err.New(s3err.UnresolvableGrantByEmailAddress)
	default:
		return Grant{}, badArgument("Argument format not recognized", kind, value)
	}
}
