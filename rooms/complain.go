package rooms

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/reports"
)

// maxDescription bounds what a complaint says, in bytes.
const maxDescription = 1024

// Complaint tells those who run the server of something, whatever it is.
//
// Spec: MSC4457
type Complaint struct {
	Txn         string
	Regarding   string // id of an event, a room, a user; an alias, "server:" and a name, an mxc address, or a name of some other kind
	Harm        string
	Description string
}

// Complain passes a complaint on and returns its name. The same transaction
// of the same device is the same complaint.
func (r *Rooms) Complain(ctx context.Context, p matrix.Principal, c Complaint) (_ string, err error) {
	defer matrix.Wrap(&err, "complain")
	if len(c.Txn) > 255 {
		return "", matrix.Errorf(matrix.InvalidParam, "A transaction id has at most 255 bytes.")
	}
	if err := c.check(); err != nil {
		return "", err
	}
	rep, err := r.subject(ctx, p, c.Regarding)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(string(p.User) + "\x00" + string(p.Device) + "\x00" + c.Txn))
	ref := base64.RawURLEncoding.EncodeToString(sum[:16])
	rep.Ref, rep.Harm, rep.Reason = &ref, c.Harm, c.Description
	return ref, r.report(ctx, p, rep)
}

func (c *Complaint) check() error {
	general, err := harm(c.Harm)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(c.Description)
	switch {
	case len(c.Description) > maxDescription:
		return matrix.Errorf(matrix.BadJSON, "A description has at most %d bytes.", maxDescription)
	case c.Description != "" && text == "", text == "" && general:
		return matrix.Errorf(matrix.BadJSON, "Say in the description what is harmful.")
	}
	return nil
}

// harms are the harms that people can name, by the kind of harm. Each kind may
// also be named alone.
//
// Spec: MSC4456
func harms() map[string][]string {
	return map[string][]string{
		"spam":         {"fraud", "impersonation", "election_interference", "flooding"},
		"adult":        {"sexual_abuse", "ncii", "deepfake", "animal_sexual_abuse", "sexual_violence"},
		"harassment":   {"trolling", "targeted", "hate", "doxxing"},
		"violence":     {"animal_welfare", "threats", "graphic", "glorification", "extremist", "human_trafficking", "domestic"},
		"child_safety": {"csam", "grooming", "privacy_violation", "harassment"},
		"danger":       {"self_harm", "eating_disorder", "challenges", "substance_abuse"},
		"tos":          {"hacking", "prohibited", "ban_evasion"},
		"other":        nil,
	}
}

// harm checks the name of a harm, and reports whether it says little.
func harm(name string) (general bool, err error) {
	rest, ok := strings.CutPrefix(name, "m.")
	if !ok {
		rest, ok = strings.CutPrefix(name, "org.matrix.msc4456.")
	}
	kind, what, exact := strings.Cut(rest, ".")
	known, ok2 := harms()[kind]
	if name == "" {
		return false, matrix.Errorf(matrix.BadJSON, "harm is missing.")
	}
	if !ok || !ok2 || exact && !slices.Contains(known, what) {
		return false, matrix.Errorf(matrix.InvalidParam, "This server knows no harm %q.", name)
	}
	return !exact, nil
}

// namespaced are names of things that the specification may give a meaning.
//
// Spec: appendices#common-namespaced-identifier-grammar
var namespaced = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,254}$`)

// subject says what a name stands for.
func (r *Rooms) subject(ctx context.Context, p matrix.Principal, name string) (reports.Report, error) {
	switch {
	case name == "":
	case name[0] == '@':
		user := id.UserID(name)
		if _, _, err := user.Parse(); err != nil {
			return reports.Report{}, matrix.Errorf(matrix.BadJSON, "%q is not a user id.", name)
		}
		return reports.Report{Kind: reports.User, User: user}, nil
	case name[0] == '$':
		return r.eventSubject(ctx, p, id.EventID(name))
	case name[0] == '!':
		_, err := r.Room(ctx, id.RoomID(name))
		return reports.Report{Kind: reports.Room, Room: id.RoomID(name)}, err
	case name[0] == '#':
		room, err := r.Resolve(ctx, id.RoomAlias(name))
		return reports.Report{Kind: reports.Room, Room: room, Subject: name}, err
	case len(name) > 300:
	case strings.HasPrefix(name, "mxc://"):
		return reports.Report{Kind: reports.Media, Subject: name}, nil
	case strings.HasPrefix(name, "server:"):
		return reports.Report{Kind: reports.Server, Subject: strings.TrimPrefix(name, "server:")}, nil
	case name == "m.system":
		return reports.Report{Kind: reports.System, Subject: name}, nil
	case namespaced.MatchString(name):
		return reports.Report{Kind: reports.Other, Subject: name}, nil
	}
	return reports.Report{}, matrix.Errorf(matrix.BadJSON, "%q is not the name of something that can be reported.", name)
}

// eventSubject is subject for an event, which p has to see.
func (r *Rooms) eventSubject(ctx context.Context, p matrix.Principal, ev id.EventID) (reports.Report, error) {
	e, err := r.Event(ctx, ev)
	if err != nil {
		return reports.Report{}, err
	}
	rm, err := r.Room(ctx, e.Room)
	if err == nil {
		err = rm.checkReports(ctx, p, e)
	}
	return reports.Report{Kind: reports.Event, Room: e.Room, Event: e.ID, User: e.Sender}, err
}
