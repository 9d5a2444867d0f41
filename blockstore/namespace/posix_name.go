package namespace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/cairnfs/cairn/blockstore"
)

// What a mount shows of the components of keys. The exact component is the truth
// and the name of the entry; the POSIX name is a view of it:
//
//	a                   the component a; where both slots are taken, its directory
//	.s3-file=ENC        the file of a component that has a directory too
//	.s3-name=ENC        a component that POSIX can't show, or that begins with
//	                    ".s3-"; where both slots are taken, its directory
//	.s3-long=CUT~HASH   the same as .s3-name=, or a, where that is over 255 bytes
//	.s3-longfile=CUT~HASH   the same as .s3-file=
//
// POSIX can't show "", ".", ".." and what has a NUL. ENC is the component with
// NUL as %00 and % as %25. CUT is as much of ENC as there is room for, cut where
// a rune begins, and HASH the SHA-256 of the component in hex; an alias record
// leads from it to the component. So no two components, and not the two slots of
// one, ever show alike. A name that begins with ".s3-" and is none of these
// exactly as it would be shown is not there, and can't be made. A file whose
// directory went is still found under .s3-file=, for those who listed it so.
const (
	reserved     = ".s3-"
	markFile     = ".s3-file="
	markName     = ".s3-name="
	markLong     = ".s3-long="
	markLongFile = ".s3-longfile="
)

// posixName is what the mount shows of a component: beside says that it is the
// file of one that has a directory too.
func posixName(component string, beside bool) string {
	mark, long := markName, markLong
	switch {
	case beside:
		mark, long = markFile, markLongFile
	case showsItself(component):
		return component
	}
	enc := escape(component)
	if len(mark)+len(enc) <= MaxName {
		return mark + enc
	}
	hash := "~" + hex.EncodeToString(componentHash(component))
	room := MaxName - len(long) - len(hash)
	for !utf8.RuneStart(enc[room]) && room > MaxName/2 {
		room--
	}
	return long + enc[:room] + hash
}

// showsItself says whether POSIX can show a component, and the mount does.
func showsItself(component string) bool {
	switch component {
	case "", ".", "..":
		return false
	}
	return len(component) <= MaxName && !strings.HasPrefix(component, reserved) &&
		strings.IndexByte(component, 0) < 0
}

var (
	escaper   = strings.NewReplacer("%", "%25", "\x00", "%00")
	unescaper = strings.NewReplacer("%25", "%", "%00", "\x00")
)

func escape(component string) string { return escaper.Replace(component) }

func componentHash(component string) []byte {
	sum := sha256.Sum256([]byte(component))
	return sum[:]
}

// hasAlias says whether an entry has an alias record: whether one of its slots
// may be shown cut.
func hasAlias(component string) bool {
	const escaped = len("%00")
	return len(component) > (MaxName-len(markFile))/escaped &&
		len(component)+(escaped-1)*(strings.Count(component, "%")+strings.Count(component, "\x00")) > MaxName-len(markFile)
}

// shownName is a POSIX name, taken apart.
type shownName struct {
	component string
	beside    bool // it is the file of a component that has a directory too
}

// checkName refuses what no directory entry can be called.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return blockstore.E("name", name, blockstore.Invalid, nil)
	case len(name) > MaxName:
		return blockstore.E("name", name, blockstore.NameTooLong, nil)
	}
	return nil
}

// named takes a POSIX name in a directory apart. none is the kind of error for
// one that is reserved, and is not how anything would be shown.
func (v *Volume) named(ctx context.Context, dir NodeID, name string, none blockstore.Kind) (shownName, error) {
	if err := checkName(name); err != nil {
		return shownName{}, err
	}
	if !strings.HasPrefix(name, reserved) {
		return shownName{component: name}, nil
	}
	s, err := v.reservedName(ctx, dir, name)
	if err == nil && posixName(s.component, s.beside) != name {
		err = blockstore.E("name", name, none, nil)
	}
	return s, err
}

// reservedName takes a name apart that may be reserved. The answer is right if
// it would be shown as that name.
func (v *Volume) reservedName(ctx context.Context, dir NodeID, name string) (shownName, error) {
	if enc, ok := strings.CutPrefix(name, markFile); ok {
		return shownName{unescaper.Replace(enc), true}, nil
	}
	if enc, ok := strings.CutPrefix(name, markName); ok {
		return shownName{component: unescaper.Replace(enc)}, nil
	}
	hash, err := hex.DecodeString(name[strings.LastIndexByte(name, '~')+1:])
	if err != nil || len(hash) != sha256.Size {
		return shownName{}, nil
	}
	component, err := v.alias(ctx, dir, hash)
	return shownName{component, strings.HasPrefix(name, markLongFile)}, err
}

// alias is the component in a directory that has a hash; "" if there is none.
func (v *Volume) alias(ctx context.Context, dir NodeID, hash []byte) (string, error) {
	key := aliasKey(dir, hash)
	value, version, err := v.store.Get(ctx, key)
	if err != nil || version.IsZero() {
		return "", err
	}
	var a AliasRecord
	err = decode(key, value, &a)
	return a.Component, err
}

// KeyOfPath is the exact "bucket/key" of a path below the root as a mount shows
// it, whether or not anything is there now. NotFound if a name is reserved and
// it is not known what it stands for.
func (v *Volume) KeyOfPath(ctx context.Context, path string) (string, error) {
	var exact []string
	dir := RootID
	for name := range strings.SplitSeq(path, "/") {
		s, err := v.named(ctx, dir, name, blockstore.NotFound)
		if err != nil {
			return "", err
		}
		exact = append(exact, s.component)
		e, err := v.entry(ctx, dir, s.component)
		if err != nil {
			return "", err
		}
		if dir = (NodeID{}); e != nil {
			dir = e.Dir
		}
	}
	return strings.Join(exact, "/"), nil
}
