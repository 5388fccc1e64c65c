package room

import (
	"encoding/json"
	"strconv"

	"plenum/internal/httpx"
)

// object is a JSON object in the making. Events are written into it as they are
// stored; an encoder would read all of them again.
type object []byte

// name begins the next member.
func (o object) name(name string) object {
	if len(o) == 0 {
		o = append(o, '{')
	} else {
		o = append(o, ',')
	}
	return append(strconv.AppendQuote(o, name), ':')
}

// token writes a member that is a token, which needs no escapes.
func (o object) token(name, token string) object {
	return append(append(append(o.name(name), '"'), token...), '"')
}

// text writes a member that is a string.
func (o object) text(name, value string) (object, error) {
	raw, err := json.Marshal(value)
	return append(o.name(name), raw...), err
}

func (o object) end() httpx.JSON {
	if len(o) == 0 {
		return httpx.JSON("{}")
	}
	return httpx.JSON(append(o, '}'))
}
