package filter

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// MaxSize is how many bytes a filter may have: matching is linear in it.
const MaxSize = 64 << 10

// Parse reads the JSON of a Filter. Its errors are *matrix.Error.
func Parse(raw []byte) (*Filter, error) {
	var w filterJSON
	if err := decode(raw, &w); err != nil {
		return nil, err
	}
	return w.compile()
}

// ParseEvents reads the JSON of a filter of events (RoomEventFilter), as
// /messages and /context take it. Its errors are *matrix.Error.
func ParseEvents(raw []byte) (*Events, error) {
	var w eventsJSON
	if err := decode(raw, &w); err != nil {
		return nil, err
	}
	e, err := w.compile()
	return &e, err
}

// decode reads a JSON object into w.
func decode(raw []byte, w any) error {
	if len(raw) > MaxSize {
		return matrix.Errorf(matrix.TooLarge, "A filter may have at most %d bytes.", MaxSize)
	}
	var mismatch *json.UnmarshalTypeError
	switch err := json.Unmarshal(raw, w); {
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return matrix.Errorf(matrix.BadJSON, "The filter's %q has the wrong type.", mismatch.Field)
	case errors.As(err, &mismatch):
		return matrix.Errorf(matrix.BadJSON, "A filter must be a JSON object.")
	case err != nil:
		return matrix.Errorf(matrix.NotJSON, "The filter is not valid JSON.")
	case strings.TrimSpace(string(raw)) == "null":
		return matrix.Errorf(matrix.BadJSON, "A filter must be a JSON object.")
	}
	return nil
}

type filterJSON struct {
	EventFields []string   `json:"event_fields"`
	EventFormat *string    `json:"event_format"`
	Presence    eventsJSON `json:"presence"`
	AccountData eventsJSON `json:"account_data"`
	Room        struct {
		Rooms        []string   `json:"rooms"`
		NotRooms     []string   `json:"not_rooms"`
		IncludeLeave bool       `json:"include_leave"`
		Ephemeral    eventsJSON `json:"ephemeral"`
		State        eventsJSON `json:"state"`
		Timeline     eventsJSON `json:"timeline"`
		AccountData  eventsJSON `json:"account_data"`
	} `json:"room"`
}

type eventsJSON struct {
	Limit            *int     `json:"limit"`
	Types            []string `json:"types"`
	NotTypes         []string `json:"not_types"`
	Senders          []string `json:"senders"`
	NotSenders       []string `json:"not_senders"`
	Rooms            []string `json:"rooms"`
	NotRooms         []string `json:"not_rooms"`
	ContainsURL      *bool    `json:"contains_url"`
	LazyLoadMembers  bool     `json:"lazy_load_members"`
	RedundantMembers bool     `json:"include_redundant_members"`
	UnreadThreads    bool     `json:"unread_thread_notifications"`

	RelatedBySenders  []string `json:"related_by_senders"`
	RelatedByRelTypes []string `json:"related_by_rel_types"`

	// Of MSC3874, under the name in the proposal.
	RelTypes    []string `json:"org.matrix.msc3874.rel_types"`
	NotRelTypes []string `json:"org.matrix.msc3874.not_rel_types"`

	// Names from before, which clients still use.
	UnstableUnreadThreads bool     `json:"org.matrix.msc3773.unread_thread_notifications"`
	UnstableSenders       []string `json:"io.element.relation_senders"`
	UnstableRelTypes      []string `json:"io.element.relation_types"`
}

func (w *filterJSON) compile() (*Filter, error) {
	f := &Filter{}
	if w.EventFormat != nil {
		if f.Federation = *w.EventFormat == "federation"; !f.Federation && *w.EventFormat != "client" {
			return nil, matrix.Errorf(matrix.InvalidParam, `event_format must be "client" or "federation".`)
		}
	}
	var err error
	if f.Fields, err = parseFields(w.EventFields); err != nil {
		return nil, err
	}
	if f.Room.rooms, err = roomChoice(w.Room.Rooms, w.Room.NotRooms); err != nil {
		return nil, err
	}
	f.Room.IncludeLeave = w.Room.IncludeLeave
	for _, part := range []struct {
		from *eventsJSON
		to   *Events
	}{
		{&w.Presence, &f.Presence},
		{&w.AccountData, &f.AccountData},
		{&w.Room.Ephemeral, &f.Room.Ephemeral},
		{&w.Room.State, &f.Room.State},
		{&w.Room.Timeline, &f.Room.Timeline},
		{&w.Room.AccountData, &f.Room.AccountData},
	} {
		if *part.to, err = part.from.compile(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (w *eventsJSON) compile() (Events, error) {
	e := Events{
		LazyLoadMembers:         w.LazyLoadMembers,
		IncludeRedundantMembers: w.RedundantMembers,
		UnreadThreads:           w.UnreadThreads || w.UnstableUnreadThreads,
		types:                   choice{wild(w.Types), wild(w.NotTypes)},
		relations:               choice{plain(w.RelTypes), plain(w.NotRelTypes)},
		url:                     w.ContainsURL,
	}
	if w.Limit != nil {
		if *w.Limit < 0 { // the specification wants more than 0, but clients say 0 for none
			return Events{}, matrix.Errorf(matrix.InvalidParam, "The limit of a filter must not be negative.")
		}
		e.limit, e.limited = *w.Limit, true
	}
	var err error
	if e.rooms, err = roomChoice(w.Rooms, w.NotRooms); err != nil {
		return Events{}, err
	}
	relatedSenders := either(w.RelatedBySenders, w.UnstableSenders)
	for _, list := range [][]string{w.Senders, w.NotSenders, relatedSenders} {
		if slices.ContainsFunc(list, isNoUser) {
			return Events{}, matrix.Errorf(matrix.InvalidParam, "The senders of a filter must be user IDs.")
		}
	}
	e.senders = choice{plain(w.Senders), plain(w.NotSenders)}
	e.RelatedBy.RelTypes = either(w.RelatedByRelTypes, w.UnstableRelTypes)
	if relatedSenders != nil {
		e.RelatedBy.Senders = make([]id.UserID, len(relatedSenders))
		for i, user := range relatedSenders {
			e.RelatedBy.Senders[i] = id.UserID(user)
		}
	}
	return e, nil
}

// roomChoice compiles lists of room ids.
func roomChoice(only, not []string) (choice, error) {
	for _, list := range [][]string{only, not} {
		if slices.ContainsFunc(list, isNoRoom) {
			return choice{}, matrix.Errorf(matrix.InvalidParam, "The rooms of a filter must be room IDs.")
		}
	}
	return choice{plain(only), plain(not)}, nil
}

// isNoRoom is for room ids of every version: those of version 12 have no server.
func isNoRoom(s string) bool { return !strings.HasPrefix(s, "!") }

func isNoUser(s string) bool { return !strings.HasPrefix(s, "@") || !strings.Contains(s, ":") }

// either returns the first list that was given.
func either(a, b []string) []string {
	if a != nil {
		return a
	}
	return b
}
