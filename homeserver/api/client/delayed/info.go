package delayed

import (
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/delayed"
)

// info is a delayed event as clients see it.
type info struct {
	ID        string          `json:"delay_id"`
	Room      id.RoomID       `json:"room_id"`
	Type      string          `json:"type"`
	StateKey  *string         `json:"state_key,omitempty"`
	Delay     int64           `json:"delay_ms"`
	Scheduled int64           `json:"scheduled_at"`
	Content   json.RawMessage `json:"content"`
	Error     json.RawMessage `json:"error,omitempty"`
	Event     id.EventID      `json:"event_id,omitempty"`
	Finalised int64           `json:"finalised_ts,omitempty"`

	// What Delay and Scheduled were called before the proposal was accepted.
	OldDelay     int64 `json:"delay"`
	RunningSince int64 `json:"running_since"`
}

func newInfo(i *delayed.Info) info {
	return info{
		ID: i.ID, Room: i.Room, Type: i.Type, StateKey: i.StateKey, Delay: i.Delay, Scheduled: i.Scheduled,
		Content: i.Content, Error: i.Error, Event: i.Event, Finalised: i.Finalised,
		OldDelay: i.Delay, RunningSince: i.Scheduled,
	}
}
