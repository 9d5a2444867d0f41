package namespace

// records makes an empty record of each kind.
var records = map[string]func() stamped{
	"bucket":  func() stamped { return new(BucketRecord) },
	"counter": func() stamped { return new(Counter) },
	"due":     func() stamped { return new(DueRecord) },
	"entry":   func() stamped { return new(EntryRecord) },
	"extents": func() stamped { return new(ExtentsRecord) },
	"history": func() stamped { return new(HistoryRecord) },
	"intent":  func() stamped { return new(IntentRecord) },
	"node":    func() stamped { return new(Node) },
	"open":    func() stamped { return new(OpenRecord) },
	"segment": func() stamped { return new(SegmentRecord) },
	"session": func() stamped { return new(SessionRecord) },
	"upload":  func() stamped { return new(UploadRecord) },
	"user":    func() stamped { return new(UserRecord) },
	"volume":  func() stamped { return new(VolumeRecord) },
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
