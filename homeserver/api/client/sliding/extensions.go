package sliding

import "plenum/homeserver/sliding"

// extensions is what a client wants to be told beside rooms. Those that this
// server does not know are ignored.
type extensions struct {
	ToDevice    *toDevice `json:"to_device"`
	E2EE        *enabled  `json:"e2ee"`
	AccountData *scope    `json:"account_data"`
	Receipts    *scope    `json:"receipts"`
	Typing      *scope    `json:"typing"`
	// TypingToBe is the name of Typing until a release of the specification
	// has it. Clients of the unstable form use the other one.
	TypingToBe *scope   `json:"org.matrix.msc4508.typing"`
	Threads    *threads `json:"io.element.msc4308.thread_subscriptions"`
	Sticky     *sticky  `json:"org.matrix.msc4354.sticky_events"`
}

type enabled struct {
	Enabled bool `json:"enabled"`
}

type toDevice struct {
	enabled
	Limit int    `json:"limit"`
	Since string `json:"since"`
}

type threads struct {
	enabled
	Limit int `json:"limit"`
}

type sticky struct {
	enabled
	Limit int    `json:"limit"`
	Since string `json:"since"`
}

// scope is an extension that tells about rooms. What is left out stands for
// all.
type scope struct {
	enabled
	Lists []string `json:"lists"`
	Rooms []string `json:"rooms"`
}

func (x *extensions) wanted() sliding.Extensions {
	out := sliding.Extensions{
		E2EE: x.E2EE != nil && x.E2EE.Enabled, AccountData: x.AccountData.wanted(), Receipts: x.Receipts.wanted(),
		Typing: x.Typing.wanted(), TypingName: "typing",
	}
	if x.ToDevice != nil && x.ToDevice.Enabled {
		out.ToDevice = &sliding.ToDevice{Limit: x.ToDevice.Limit, Since: x.ToDevice.Since}
	}
	if x.Threads != nil && x.Threads.Enabled {
		out.Threads = &sliding.Threads{Limit: x.Threads.Limit}
	}
	if x.Sticky != nil && x.Sticky.Enabled {
		out.Sticky = &sliding.StickyEvents{Limit: x.Sticky.Limit, Since: x.Sticky.Since}
	}
	if out.Typing == nil {
		out.Typing, out.TypingName = x.TypingToBe.wanted(), "org.matrix.msc4508.typing"
	}
	return out
}

func (s *scope) wanted() *sliding.Scope {
	if s == nil || !s.Enabled {
		return nil
	}
	return &sliding.Scope{Lists: s.Lists, Rooms: s.Rooms}
}
