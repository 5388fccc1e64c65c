package push

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// answer is what a condition makes of an event.
type answer uint8

const (
	no answer = iota
	yes
	depends // on the user; a need says how
)

// need is what has to be so of a user.
type need func(*person) bool

// condition is a compiled condition of a push rule.
//
// Spec: client-server-api#conditions
type condition func(*subject) (answer, need)

// never is a condition that is unknown or makes no sense, which must not match.
func never(*subject) (answer, need) { return no, nil }

func plainly(ok bool) (answer, need) {
	if ok {
		return yes, nil
	}
	return no, nil
}

// conditionJSON is a condition as clients write it.
type conditionJSON struct {
	Kind       string          `json:"kind"`
	Key        *string         `json:"key"`
	Pattern    *string         `json:"pattern"`
	Value      json.RawMessage `json:"value"`
	Is         string          `json:"is"`
	Subscribed *bool           `json:"subscribed"`
}

// compileCondition compiles a condition of a rule of self. Where it names
// self it depends on the user, so that the rules of all users are the same.
func compileCondition(raw json.RawMessage, self string) condition {
	var c conditionJSON
	if json.Unmarshal(raw, &c) != nil {
		return never
	}
	switch {
	case c.Kind == "event_match" && c.Key != nil && c.Pattern != nil:
		return matchCondition(newPath(*c.Key), *c.Pattern, self)
	case c.Kind == "event_property_is" && c.Key != nil:
		return valueCondition(newPath(*c.Key), c.Value, self, false)
	case c.Kind == "event_property_contains" && c.Key != nil:
		return valueCondition(newPath(*c.Key), c.Value, self, true)
	case c.Kind == "contains_display_name":
		return containsDisplayName
	case c.Kind == "room_member_count":
		return countCondition(c.Is)
	case c.Kind == threadSubscription && c.Subscribed != nil:
		return threadCondition(*c.Subscribed)
	case c.Kind == "sender_notification_permission" && c.Key != nil:
		return func(s *subject) (answer, need) { return plainly(s.mayNotify(*c.Key)) }
	}
	return never
}

// matchCondition is event_match.
func matchCondition(key path, pattern, self string) condition {
	if key.isBody() {
		return wordCondition(pattern)
	}
	if pattern == self {
		return func(s *subject) (answer, need) {
			v := key.in(s.event, s.content)
			if v.Type != gjson.String {
				return no, nil
			}
			return depends, func(p *person) bool { return strings.EqualFold(v.Str, string(p.user)) }
		}
	}
	g := newGlob(pattern)
	return func(s *subject) (answer, need) {
		v := key.in(s.event, s.content)
		return plainly(v.Type == gjson.String && g.matches(strings.ToLower(v.Str)))
	}
}

// wordCondition looks for a pattern in the text of a message.
func wordCondition(pattern string) condition {
	g := newGlob(pattern)
	return func(s *subject) (answer, need) {
		body, ok := s.body()
		return plainly(ok && g.matchesWords(body))
	}
}

// valueCondition is event_property_is and event_property_contains.
func valueCondition(key path, value json.RawMessage, self string, contains bool) condition {
	want := gjson.ParseBytes(value)
	if len(value) == 0 || want.Type == gjson.JSON {
		return never
	}
	if want.Type == gjson.String && want.Str == self {
		return func(s *subject) (answer, need) {
			v := key.in(s.event, s.content)
			if contains != v.IsArray() || !contains && v.Type != gjson.String {
				return no, nil
			}
			return depends, func(p *person) bool { return has(v, gjson.Result{Type: gjson.String, Str: string(p.user)}) }
		}
	}
	return func(s *subject) (answer, need) {
		v := key.in(s.event, s.content)
		return plainly(v.Exists() && contains == v.IsArray() && has(v, want))
	}
}

// has reports whether v is want, or an array with want in it.
func has(v, want gjson.Result) (found bool) {
	if !v.IsArray() {
		return same(v, want)
	}
	v.ForEach(func(_, item gjson.Result) bool {
		found = same(item, want)
		return !found
	})
	return found
}

// same reports whether two values are equal. There are only whole numbers in
// events, so that the text of a number is its value.
func same(a, b gjson.Result) bool {
	switch {
	case a.Type != b.Type || a.Type == gjson.JSON:
		return false
	case a.Type == gjson.String:
		return a.Str == b.Str
	case a.Type == gjson.Number:
		return a.Num == b.Num
	}
	return true
}

// containsDisplayName looks for the name of the user in the text.
func containsDisplayName(s *subject) (answer, need) {
	body, ok := s.body()
	if !ok || body == "" {
		return no, nil
	}
	return depends, func(p *person) bool {
		name := p.displayName()
		return name != "" && plain(name).matchesWords(body)
	}
}

// containsLocalpart looks for the first part of the user's id in the text.
func containsLocalpart(s *subject) (answer, need) {
	body, ok := s.body()
	if !ok || body == "" {
		return no, nil
	}
	return depends, func(p *person) bool {
		return plain(strings.ToLower(p.user.Localpart())).matchesWords(body)
	}
}

// plain is the glob that stands for text alone, which is in lower case.
func plain(text string) glob { return glob{[]piece{{text: text}}} }

// countCondition is room_member_count.
func countCondition(is string) condition {
	number := strings.TrimLeft(is, "=<>")
	n, err := strconv.Atoi(number)
	if err != nil || number[0] < '0' || number[0] > '9' {
		return never
	}
	var holds func(count int) bool
	switch strings.TrimSuffix(is, number) {
	case "", "==":
		holds = func(count int) bool { return count == n }
	case "<":
		holds = func(count int) bool { return count < n }
	case ">":
		holds = func(count int) bool { return count > n }
	case "<=":
		holds = func(count int) bool { return count <= n }
	case ">=":
		holds = func(count int) bool { return count >= n }
	default:
		return never
	}
	return func(s *subject) (answer, need) { return plainly(holds(s.room.MemberCount("join"))) }
}
