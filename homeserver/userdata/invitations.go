package userdata

import (
	"context"
	"encoding/json"
	"net"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/glob"
	"plenum/internal/matrix"
)

// Types of account data that say who may invite a user: of the specification,
// and of the proposals that clients still write.
//
// Spec: client-server-api#invite-permission
const (
	invitesType     = "m.invite_permission_config"
	invitesType4380 = "org.matrix.msc4380.invite_permission_config"
	invitesType4155 = "org.matrix.msc4155.invite_permission_config"
)

func isInvitesType(typ string) bool {
	return typ == invitesType || typ == invitesType4380 || typ == invitesType4155
}

// Invitation says what becomes of an invitation.
type Invitation int

// What may become of an invitation.
const (
	Welcome Invitation = iota
	Hidden             // the user does not learn of it, and who invites does not learn that
	Blocked            // it fails
)

// Invitations says whom a user lets invite them. It is immutable.
type Invitations struct {
	system id.UserID // speaks for the server, and always may
	rules  *inviteRules
}

// inviteRules are what a user's account data says of invitations; nil is
// nothing.
type inviteRules struct {
	ignored Users
	blocked bool // by whomever
	filters []inviteFilter
}

// inviteFilter is MSC4155's way to say who may invite.
type inviteFilter struct {
	Enabled        *bool    `json:"enabled"`
	AllowedUsers   []string `json:"allowed_users"`
	IgnoredUsers   []string `json:"ignored_users"`
	BlockedUsers   []string `json:"blocked_users"`
	AllowedServers []string `json:"allowed_servers"`
	IgnoredServers []string `json:"ignored_servers"`
	BlockedServers []string `json:"blocked_servers"`
}

// Judge says what becomes of an invitation by a user.
func (i Invitations) Judge(by id.UserID) Invitation {
	r := i.rules
	switch {
	case r == nil || by == i.system && by != "":
		return Welcome
	case r.ignored.Has(by):
		return Hidden
	case r.blocked:
		return Blocked
	}
	for _, f := range r.filters {
		if judged := f.judge(by); judged != Welcome {
			return judged
		}
	}
	return Welcome
}

// judge applies a filter, in the order that the proposal gives.
//
// Spec: MSC4155
func (f *inviteFilter) judge(by id.UserID) Invitation {
	server := withoutPort(by.Homeserver())
	for _, step := range []struct {
		patterns []string
		name     string
		judged   Invitation
	}{
		{f.AllowedUsers, string(by), Welcome},
		{f.IgnoredUsers, string(by), Hidden},
		{f.BlockedUsers, string(by), Blocked},
		{f.AllowedServers, server, Welcome},
		{f.IgnoredServers, server, Hidden},
		{f.BlockedServers, server, Blocked},
	} {
		for _, pattern := range step.patterns {
			if glob.Match(pattern, step.name) {
				return step.judged
			}
		}
	}
	return Welcome
}

func withoutPort(server string) string {
	if host, _, err := net.SplitHostPort(server); err == nil {
		if strings.Contains(host, ":") { // an address of IPv6 stands in brackets
			return "[" + host + "]"
		}
		return host
	}
	return server
}

// take takes over one entry of account data. What is malformed says nothing.
func (r *inviteRules) take(content json.RawMessage) {
	var said struct {
		DefaultAction string `json:"default_action"`
	}
	if json.Unmarshal(content, &said) == nil && said.DefaultAction == "block" {
		r.blocked = true
	}
	var f inviteFilter
	if json.Unmarshal(content, &f) == nil && (f.Enabled == nil || *f.Enabled) {
		r.filters = append(r.filters, f)
	}
}

// inviteRulesOf puts together what a user's account data says of invitations.
func inviteRulesOf(a *account) *inviteRules {
	r := &inviteRules{ignored: a.ignored}
	said := len(a.ignored) > 0
	for _, typ := range []string{invitesType, invitesType4380, invitesType4155} {
		if d, ok := a.get(datumKey{"", typ}); ok && !d.IsDeleted() {
			r.take(d.Content)
			said = true
		}
	}
	if !said {
		return nil
	}
	return r
}

// Invitations returns whom user lets invite them.
func (d *Data) Invitations(ctx context.Context, user id.UserID) (Invitations, error) {
	i := Invitations{system: d.opt.System}
	if d.accounts.isQuiet(user, 0) {
		return i, nil // the user keeps nothing at all
	}
	err := d.accounts.with(ctx, user, func(a *account) { i.rules = a.invites })
	return i, err
}

// HidesInvitation reports whether user does not learn that by has invited them.
func (d *Data) HidesInvitation(ctx context.Context, user, by id.UserID) (bool, error) {
	i, err := d.Invitations(ctx, user)
	return i.Judge(by) != Welcome, err
}

// MayInvite returns M_INVITE_BLOCKED when user does not let by invite them.
func (d *Data) MayInvite(ctx context.Context, user, by id.UserID) error {
	i, err := d.Invitations(ctx, user)
	if err == nil && i.Judge(by) == Blocked {
		err = matrix.Errorf(matrix.InviteBlocked, "%s does not want to be invited.", user)
	}
	return err
}
