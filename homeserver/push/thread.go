package push

import (
	"strconv"

	"maunium.net/go/mautrix/id"
)

// threadSubscription is the kind of condition that asks whether the user is
// subscribed to the thread that an event is in.
//
// Spec: todo MSC4306, new push rules, once it is in a release
const threadSubscription = "io.element.msc4306.thread_subscription"

// threadCondition compiles such a condition.
func threadCondition(want bool) condition {
	return func(s *subject) (answer, need) {
		root := s.event.RelatesTo
		if s.event.RelType != "m.thread" || root == "" {
			return no, nil
		}
		return depends, func(p *person) bool { return p.follows(root) == want && (want || p.knowsSubscriptions(root)) }
	}
}

// follows reports whether the user is subscribed to a thread of the room.
func (p *person) follows(root id.EventID) bool {
	subscribed, _, err := p.data.FollowsThread(p.ctx, p.user, p.room.ID(), root)
	return err == nil && subscribed
}

// knowsSubscriptions reports whether the user has a client that knows of
// subscriptions. To others all threads would fall silent, without a way to
// hear of them again.
func (p *person) knowsSubscriptions(root id.EventID) bool {
	_, knows, err := p.data.FollowsThread(p.ctx, p.user, p.room.ID(), root)
	return err == nil && knows
}

// subscribed says in a key what the condition says of a subscription.
func (c *conditionJSON) subscribed() string {
	if c.Subscribed == nil {
		return "-"
	}
	return strconv.FormatBool(*c.Subscribed)
}
