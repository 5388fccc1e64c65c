package matrix

import "encoding/json"

// EDU is what one server tells another beside events, such as who types.
//
// Spec: server-server-api#edus
type EDU struct {
	Type    string          `json:"edu_type"`
	Content json.RawMessage `json:"content"`
}
