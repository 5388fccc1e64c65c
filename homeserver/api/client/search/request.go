package search

import (
	"encoding/json"
	"slices"

	"plenum/homeserver/search"
	"plenum/internal/filter"
	"plenum/internal/matrix"
)

type request struct {
	Categories *struct {
		RoomEvents *criteria `json:"room_events"`
	} `json:"search_categories"`
}

// criteria are what somebody looks for.
type criteria struct {
	Term         *string         `json:"search_term"`
	Keys         []string        `json:"keys"`
	Filter       json.RawMessage `json:"filter"`
	OrderBy      string          `json:"order_by"`
	Context      *eventContext   `json:"event_context"`
	IncludeState bool            `json:"include_state"`
	Groupings    groupings       `json:"groupings"`
}

type eventContext struct {
	Before   *int `json:"before_limit"`
	After    *int `json:"after_limit"`
	Profiles bool `json:"include_profile"`
}

type groupings struct {
	GroupBy []struct {
		Key string `json:"key"`
	} `json:"group_by"`
}

const (
	byRoom   = "room_id"
	bySender = "sender"
)

// keys are by what results are grouped.
func (g groupings) keys() []string {
	var keys []string
	for _, by := range g.GroupBy {
		if !slices.Contains(keys, by.Key) {
			keys = append(keys, by.Key)
		}
	}
	return keys
}

func (g groupings) check() error {
	for _, key := range g.keys() {
		if key != byRoom && key != bySender {
			return matrix.Errorf(matrix.InvalidParam, "Results can be grouped by room_id and by sender, not by %q.", key)
		}
	}
	return nil
}

// query is what c asks for, from the page on that the token next begins.
func (c *criteria) query(next string) (q search.Query, err error) {
	if c.Term == nil {
		return q, matrix.Errorf(matrix.MissingParam, "search_term is missing.")
	}
	q.Term, q.State = *c.Term, c.IncludeState
	if q.Fields, err = fields(c.Keys); err != nil {
		return q, err
	}
	if len(c.Filter) > 0 && string(c.Filter) != "null" {
		if q.Filter, err = filter.ParseEvents(c.Filter); err != nil {
			return q, err
		}
	}
	switch c.OrderBy {
	case "", "rank":
	case "recent":
		q.Recent = true
	default:
		return q, matrix.Errorf(matrix.InvalidParam, "Results can be ordered by rank or recent, not by %q.", c.OrderBy)
	}
	if q.Around, err = c.Context.query(); err != nil {
		return q, err
	}
	if next != "" {
		from, err := search.ParseToken(next)
		if err != nil {
			return q, err
		}
		q.From = &from
	}
	return q, c.Groupings.check()
}

// fields are the keys in which words are looked for; all, unless some are given.
func fields(keys []string) (f search.Fields, err error) {
	if len(keys) == 0 {
		return search.Fields{Body: true, Name: true, Topic: true}, nil
	}
	for _, key := range keys {
		switch key {
		case "content.body":
			f.Body = true
		case "content.name":
			f.Name = true
		case "content.topic":
			f.Topic = true
		default:
			return f, matrix.Errorf(matrix.InvalidParam, "keys are content.body, content.name and content.topic, not %q.", key)
		}
	}
	return f, nil
}

// Events around a result: how many unless the client says, and at most.
const (
	usualAround = 5
	mostAround  = 50
)

func (c *eventContext) query() (*search.AroundQuery, error) {
	if c == nil {
		return nil, nil
	}
	q := &search.AroundQuery{Before: usualAround, After: usualAround, Profiles: c.Profiles}
	for _, limit := range []struct {
		asked *int
		to    *int
	}{{c.Before, &q.Before}, {c.After, &q.After}} {
		if limit.asked == nil {
			continue
		}
		if *limit.asked < 0 {
			return nil, matrix.Errorf(matrix.InvalidParam, "The limits of event_context cannot be negative.")
		}
		*limit.to = min(*limit.asked, mostAround)
	}
	return q, nil
}
