package access

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Permission is what a grant gives ("Access control list overview", S3 user guide). It
// is a set: FullControl has all others.
type Permission uint8

// The permissions.
const (
	Read Permission = 1 << iota
	Write
	ReadACP
	WriteACP
	FullControl = Read | Write | ReadACP | WriteACP
)

// permissionNames has the permissions in the order of the S3 API reference.
var permissionNames = []struct {
	permission Permission
	name       string
	header     string
}{
	{FullControl, "FULL_CONTROL", "X-Amz-Grant-Full-Control"},
	{Write, "WRITE", "X-Amz-Grant-Write"},
	{WriteACP, "WRITE_ACP", "X-Amz-Grant-Write-Acp"},
	{Read, "READ", "X-Amz-Grant-Read"},
	{ReadACP, "READ_ACP", "X-Amz-Grant-Read-Acp"},
}

// String is the name of the permission in the S3 API.
func (p Permission) String() string {
	for _, n := range permissionNames {
		if n.permission == p {
			return n.name
		}
	}
	return "NONE"
}

// ParsePermission is the permission with the name that String gives.
func ParsePermission(name string) (Permission, bool) {
	for _, n := range permissionNames {
		if n.name == name {
			return n.permission, true
		}
	}
	return 0, false
}

// Group is a predefined group of S3, by its name.
type Group string

// The groups.
const (
	AllUsers           Group = "AllUsers"           // everybody, with or without a key
	AuthenticatedUsers Group = "AuthenticatedUsers" // every user
	LogDelivery        Group = "LogDelivery"        // who writes logs: nobody here
)

// groupURIs are the names of the groups in requests.
var groupURIs = map[Group]string{
	AllUsers:           "http://acs.amazonaws.com/groups/global/AllUsers",
	AuthenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
	LogDelivery:        "http://acs.amazonaws.com/groups/s3/LogDelivery",
}

func parseGroup(uri string) (Group, bool) {
	for g, u := range groupURIs {
		if u == uri {
			return g, true
		}
	}
	return "", false
}

// Grant gives a permission to a user or to a group.
type Grant struct {
	ID         string // canonical id; empty: it is the group
	Group      Group
	Permission Permission
}

// ACL is the access control list of a bucket or an object. Display names are not
// kept, as they change.
type ACL struct {
	Owner  string // canonical id
	Grants []Grant
}

// MaxGrants is the most grants that an ACL may have.
const MaxGrants = 100

// Allows says whether a grant gives the principal the permission. Owning is not asked.
func (a *ACL) Allows(permission Permission, p Principal) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return g.Permission&permission == permission && g.isTo(p)
	})
}

func (g Grant) isTo(p Principal) bool {
	switch g.Group {
	case AllUsers:
		return true
	case AuthenticatedUsers:
		return !p.Anonymous
	case LogDelivery:
		return false
	}
	return !p.Anonymous && g.ID != "" && g.ID == p.CanonicalID
}

// storedACL is the form in which an ACL is kept. A field may be added; a change of
// meaning takes a new version.
type storedACL struct {
	Version int           `json:"v"`
	Owner   string        `json:"o"`
	Grants  []storedGrant `json:"g,omitempty"`
}

type storedGrant struct {
	ID         string     `json:"i,omitempty"`
	Group      Group      `json:"u,omitempty"`
	Permission Permission `json:"p"`
}

const aclVersion = 1

// Encode gives the form in which the ACL is kept: the same bytes for the same ACL.
func (a *ACL) Encode() []byte {
	s := storedACL{Version: aclVersion, Owner: a.Owner}
	for _, g := range a.Grants {
		s.Grants = append(s.Grants, storedGrant(g))
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers always have a JSON
	}
	return b
}

// DecodeACL reads what Encode gave. It fails on what a newer version wrote.
func DecodeACL(b []byte) (*ACL, error) {
	var s storedACL
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("access control list: %w", err)
	}
	if s.Version != aclVersion {
		return nil, fmt.Errorf("access control list: unknown version %d", s.Version)
	}
	a := &ACL{Owner: s.Owner}
	for _, g := range s.Grants {
		a.Grants = append(a.Grants, Grant(g))
	}
	return a, nil
}
