package search

import (
	"strings"

	"github.com/tidwall/gjson"

	"plenum/homeserver/search/index"
	"plenum/rooms"
)

// fieldOf returns which field of e is searched, false when none is.
func fieldOf(e *rooms.Event) (index.Field, bool) {
	switch {
	case e.Type == "m.room.message" && !e.IsState():
		return index.Body, true
	case e.Is("m.room.name", ""):
		return index.Name, true
	case e.Is("m.room.topic", ""):
		return index.Topic, true
	}
	return 0, false
}

// textOf returns the text of a field.
func textOf(field index.Field, content gjson.Result) string {
	switch field {
	case index.Name:
		return content.Get("name").Str
	case index.Topic:
		return content.Get("topic").Str
	}
	body := content.Get("body").Str
	if content.Get(`m\.relates_to.m\.in_reply_to`).Exists() {
		return withoutQuote(body)
	}
	return body
}

// withoutQuote returns the body of a reply without the message that it replies
// to, which older clients put before it: that is found where it was said.
func withoutQuote(body string) string {
	if !strings.HasPrefix(body, "> ") {
		return body
	}
	for strings.HasPrefix(body, ">") {
		_, body, _ = strings.Cut(body, "\n")
	}
	return body
}

// contentOf returns what e says, or what edit, if it is not nil, makes it say.
func contentOf(e, edit *rooms.Event) gjson.Result {
	if edit != nil {
		return edit.Content().Get(`m\.new_content`)
	}
	return e.Content()
}

// document returns what is to be known of e, nil when it cannot be found by
// words.
func document(e, edit *rooms.Event) *index.Document {
	field, ok := fieldOf(e)
	if !ok || e.RedactedBy != 0 {
		return nil
	}
	content := contentOf(e, edit)
	d := &index.Document{Pos: e.Pos, Sender: e.Sender, Field: field, HasURL: content.Get("url").Exists()}
	if edit != nil {
		d.Edit = edit.Pos
	}
	if d.SetText(textOf(field, content)); d.IsEmpty() {
		return nil
	}
	return d
}
