package namespace

// records makes an empty record of each kind.
var records = map[string]func() stamped{
	"alias":     func() stamped { return new(AliasRecord) },
	"bucket":    func() stamped { return new(BucketRecord) },
	"counter":   func() stamped { return new(Counter) },
	"due":       func() stamped { return new(DueRecord) },
	"entry":     func() stamped { return new(EntryRecord) },
	"extents":   func() stamped { return new(ExtentsRecord) },
	"history":   func() stamped { return new(HistoryRecord) },
	"intent":    func() stamped { return new(IntentRecord) },
	"lifecycle": func() stamped { return new(LifecycleRecord) },
	"node":      func() stamped { return new(Node) },
	"open":      func() stamped { return new(OpenRecord) },
	"part":      func() stamped { return new(PartRecord) },
	"segment":   func() stamped { return new(SegmentRecord) },
	"session":   func() stamped { return new(SessionRecord) },
	"upload":    func() stamped { return new(UploadRecord) },
	"user":      func() stamped { return new(UserRecord) },
	"volume":    func() stamped { return new(VolumeRecord) },
}

// RecordKinds are the kinds of records that Recode knows.
func RecordKinds() []string {
	var kinds []string
	for k := range records {
		kinds = append(kinds, k)
	}
	return kinds
}

// Recode decodes a record and encodes it again.
func Recode(kind, key string, value []byte) ([]byte, error) {
	r := records[kind]()
	if err := decode(key, value, r); err != nil {
		return nil, err
	}
	return encode(r), nil
}

// NameKey is how an error names a record.
func NameKey(key string) string {
	dueTime(key)
	regionOf(key)
	return keyName(key)
}

// PosixName is what a mount shows of a component.
func PosixName(component string, beside bool) string { return posixName(component, beside) }

// SmallDrafts makes whatever bounds drafts and pages small, and returns what
// undoes that.
func SmallDrafts() (undo func()) {
	was := []int{mostTaken, mostNamed, draftRuns, nodeRuns, int(pageSize)}
	set := func(to []int) {
		mostTaken, mostNamed, draftRuns, nodeRuns, pageSize = to[0], to[1], to[2], to[3], int64(to[4])
	}
	set([]int{2, 12, 6, 3, Region})
	return func() { set(was) }
}
