package event

// IDFormat says how an event gets its id.
type IDFormat int

// Formats of event ids.
//
// Spec: rooms#complete-list-of-room-versions
const (
	OwnID   IDFormat = iota // 1, 2: chosen by the sender's server, "$x:server"
	HashID                  // 3: reference hash in standard base64
	HashURL                 // 4 and later: reference hash in URL-safe base64
)

// Rules are what a room version says, as data.
//
// Spec: rooms#complete-list-of-room-versions
type Rules struct {
	Version string
	IDs     IDFormat
	// StateRes is the state resolution algorithm: 10 for 1, 20 for 2, 21 for 2.1.
	StateRes int

	StrictJSON      bool // 6: canonical JSON enforced, integers within ±(2^53-1)
	AliasAuth       bool // up to 5: m.room.aliases has rules of its own
	NotifyLevels    bool // 6: notifications are guarded in power levels
	EnforceKeyTimes bool // 5: signing keys have to be valid at the event's time
	Knock           bool // 7
	Restricted      bool // 8: restricted joins
	KnockRestricted bool // 10
	IntegerLevels   bool // 10: power levels are integers, not strings
	ImplicitCreator bool // 11: the create event's sender is the creator
	Creators        bool // 12: room id from the create event, creators above all

	Redaction Redaction
}

// Redaction says what a redacted event keeps beyond the fixed set.
type Redaction struct {
	KeepAliases      bool // up to 5: aliases of m.room.aliases
	KeepAllow        bool // 8: allow of m.room.join_rules
	KeepAuthorised   bool // 9: join_authorised_via_users_server of m.room.member
	Eleven           bool // 11: the reworked algorithm
	RedactsInContent bool // 11: m.room.redaction names its target in the content
}

// versions builds the rules of each version from those of the one before.
func versions() map[string]*Rules {
	out := map[string]*Rules{}
	r := Rules{Version: "1", IDs: OwnID, StateRes: 10, AliasAuth: true, Redaction: Redaction{KeepAliases: true}}
	add := func(version string, change func(*Rules)) {
		r.Version = version
		change(&r)
		rules := r
		out[version] = &rules
	}
	add("1", func(*Rules) {})
	add("2", func(r *Rules) { r.StateRes = 20 })
	add("3", func(r *Rules) { r.IDs = HashID })
	add("4", func(r *Rules) { r.IDs = HashURL })
	add("5", func(r *Rules) { r.EnforceKeyTimes = true })
	add("6", func(r *Rules) {
		r.StrictJSON, r.NotifyLevels, r.AliasAuth, r.Redaction.KeepAliases = true, true, false, false
	})
	add("7", func(r *Rules) { r.Knock = true })
	add("8", func(r *Rules) { r.Restricted, r.Redaction.KeepAllow = true, true })
	add("9", func(r *Rules) { r.Redaction.KeepAuthorised = true })
	add("10", func(r *Rules) { r.KnockRestricted, r.IntegerLevels = true, true })
	add("11", func(r *Rules) {
		r.ImplicitCreator, r.Redaction.Eleven, r.Redaction.RedactsInContent = true, true, true
	})
	add("12", func(r *Rules) { r.Creators, r.StateRes = true, 21 })
	return out
}

var rulesByVersion = versions() // never changed

// RulesFor returns the rules of a room version, false for one we do not know.
func RulesFor(version string) (*Rules, bool) {
	r, ok := rulesByVersion[version]
	return r, ok
}

// Versions returns the room versions that are supported, oldest first.
func Versions() []string {
	return []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
}
