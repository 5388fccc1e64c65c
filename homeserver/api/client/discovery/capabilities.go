package discovery

// capabilities is what a client may offer to its user.
//
// Spec: client-server-api#capabilities-negotiation
type capabilities struct {
	RoomVersions   roomVersions `json:"m.room_versions"`
	ChangePassword enabled      `json:"m.change_password"`
	DisplayName    enabled      `json:"m.set_displayname"` // also in m.profile_fields, for older clients
	AvatarURL      enabled      `json:"m.set_avatar_url"`
	ProfileFields  enabled      `json:"m.profile_fields"`
	Contacts       enabled      `json:"m.3pid_changes"` // this server knows no email addresses
	LoginToken     enabled      `json:"m.get_login_token"`
	ForgetsOnLeave enabled      `json:"m.forget_forced_upon_leave"`
	Previews       enabled      `json:"io.element.msc4452.preview_url"`
	Moderation     *moderation  `json:"m.account_moderation,omitempty"`
	Delayed        later        `json:"m.delayed_events"`
	DelayedToBe    later        `json:"org.matrix.msc4140.delayed_events"`
	WebPush        *webPush     `json:"m.webpush,omitempty"`
	WebPushToBe    *webPush     `json:"org.matrix.msc4174.webpush,omitempty"`
}

// webPush is how browsers subscribe to notifications.
//
// Spec: todo MSC4174, web push
type webPush struct {
	Enabled bool   `json:"enabled"`
	Key     string `json:"vapid"`
}

type enabled struct {
	Enabled bool `json:"enabled"`
}

type roomVersions struct {
	Default   string            `json:"default"`
	Available map[string]string `json:"available"`
}

// later is how far ahead events can be scheduled, and how many.
//
// Spec: todo MSC4140, delayed event limits as a capability
type later struct {
	MaxDelay     int64 `json:"max_delay_ms"`
	MaxScheduled int   `json:"max_scheduled"`
}

type moderation struct {
	Lock    bool `json:"lock"`
	Suspend bool `json:"suspend"`
}

func capabilitiesOf(opt Options, admin bool) map[string]capabilities {
	yes, no := enabled{true}, enabled{false}
	c := capabilities{
		RoomVersions:   roomVersions{Default: opt.RoomVersion, Available: make(map[string]string)},
		ChangePassword: yes, DisplayName: yes, AvatarURL: yes, ProfileFields: yes, LoginToken: yes,
		Contacts: no, ForgetsOnLeave: no, Previews: enabled{opt.Previews},
		Delayed: later{opt.MaxDelay.Milliseconds(), opt.MaxScheduled},
	}
	c.DelayedToBe = c.Delayed
	for _, v := range opt.RoomVersions {
		c.RoomVersions.Available[v] = "stable"
	}
	if opt.WebPush != "" {
		c.WebPush = &webPush{true, opt.WebPush}
		c.WebPushToBe = c.WebPush
	}
	if admin {
		c.Moderation = &moderation{Lock: true, Suspend: true}
	}
	return map[string]capabilities{"capabilities": c}
}
