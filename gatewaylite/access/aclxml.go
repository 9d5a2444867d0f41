package access

import (
	"encoding/xml"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

const xsi = "http://www.w3.org/2001/XMLSchema-instance"

// aclIn is AccessControlPolicy as it is read. encoding/xml reads the attribute
// xsi:type by its name space and writes it by its prefix, so that there are two.
type aclIn struct {
	XMLName xml.Name `xml:"AccessControlPolicy"`
	Owner   *ownerXML
	List    *struct {
		Grants  []grantIn `xml:"Grant"`
		Unknown unknown   `xml:",any"`
	} `xml:"AccessControlList"`
	Unknown unknown `xml:",any"`
}

type ownerXML struct {
	ID          string `xml:"ID"`
	DisplayName string `xml:"DisplayName,omitempty"`
}

type grantIn struct {
	Grantee struct {
		Type         string  `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		ID           string  `xml:"ID"`
		DisplayName  string  `xml:"DisplayName"`
		URI          string  `xml:"URI"`
		EmailAddress string  `xml:"EmailAddress"`
		Unknown      unknown `xml:",any"`
	}
	Permission string
	Unknown    unknown `xml:",any"`
}

type aclOut struct {
	XMLName xml.Name   `xml:"AccessControlPolicy"`
	Xmlns   string     `xml:"xmlns,attr"`
	Owner   ownerXML   `xml:"Owner"`
	Grants  []grantOut `xml:"AccessControlList>Grant"`
}

type grantOut struct {
	Grantee    granteeOut
	Permission string
}

type granteeOut struct {
	Xsi         string `xml:"xmlns:xsi,attr"`
	Type        string `xml:"xsi:type,attr"`
	ID          string `xml:"ID,omitempty"`
	DisplayName string `xml:"DisplayName,omitempty"`
	URI         string `xml:"URI,omitempty"`
}

// ParseACL reads AccessControlPolicy ("PutBucketAcl", S3 API reference) for something
// that the owner has: naming another owner is AccessDenied.
func ParseACL(doc []byte, owner string, users Users) (*ACL, error) {
	var in aclIn
	if err := readXML(doc, &in); err != nil {
		return nil, s3err.Wrap(s3err.MalformedACLError, err)
	}
	if in.Owner == nil || in.List == nil || allKnown(in.Unknown, in.List.Unknown) != nil {
		return nil, s3err.New(s3err.MalformedACLError)
	}
	if in.Owner.ID != owner {
		return nil, s3err.New(s3err.AccessDenied)
	}
	acl := &ACL{Owner: owner}
	for i := range in.List.Grants {
		g, err := in.List.Grants[i].grant(users)
		if err != nil {
			return nil, err
		}
		if err := acl.add(g); err != nil {
			return nil, err
		}
	}
	return acl, nil
}

func (in *grantIn) grant(users Users) (Grant, error) {
	p, ok := ParsePermission(in.Permission)
	if !ok || allKnown(in.Unknown, in.Grantee.Unknown) != nil {
		return Grant{}, s3err.New(s3err.MalformedACLError)
	}
	kind, value := "", ""
	switch in.Grantee.Type {
	case "CanonicalUser":
		kind, value = "id", in.Grantee.ID
	case "Group":
		kind, value = "uri", in.Grantee.URI
	case "AmazonCustomerByEmail":
		kind, value = "emailaddress", in.Grantee.EmailAddress
	}
	if value == "" {
		return Grant{}, s3err.New(s3err.MalformedACLError)
	}
	g, err := parseGrantee(kind, value, users)
	g.Permission = p
	return g, err
}

// XML is AccessControlPolicy ("GetBucketAcl", S3 API reference), with the display names
// of now.
func (a *ACL) XML(users Users) []byte {
	name := func(id string) string { n, _ := users(id); return n }
	out := aclOut{Xmlns: xmlns, Owner: ownerXML{a.Owner, name(a.Owner)}}
	for _, g := range a.Grants {
		to := granteeOut{Xsi: xsi, Type: "Group", URI: groupURIs[g.Group]}
		if g.ID != "" {
			to = granteeOut{Xsi: xsi, Type: "CanonicalUser", ID: g.ID, DisplayName: name(g.ID)}
		}
		out.Grants = append(out.Grants, grantOut{to, g.Permission.String()})
	}
	return writeXML(out)
}
