// Package calls is calls of more than two people (MatrixRTC): which servers
// carry their sound and pictures.
//
// So far these are servers beside this one, whose addresses an administrator
// names. Nothing here speaks to them.
package calls

// LiveKit is the type of a transport through a LiveKit server.
const LiveKit = "livekit"

// Transport is a way for calls.
//
// Spec: todo MSC4143 and MSC4195, once they are in a release
type Transport struct {
	Type    string `json:"type"`
	Service string `json:"livekit_service_url,omitempty"` // gives out tokens
}

// Options are the settings of Calls.
type Options struct {
	LiveKit []string // addresses of services that give out tokens
}

// Calls knows how calls of this server are carried.
type Calls struct{ transports []Transport }

// New returns the calls of a server.
func New(opt Options) *Calls {
	c := &Calls{transports: []Transport{}}
	for _, address := range opt.LiveKit {
		c.transports = append(c.transports, Transport{LiveKit, address})
	}
	return c
}

// Transports returns the ways for calls, the best first. The slice is shared:
// callers do not change it.
func (c *Calls) Transports() []Transport { return c.transports }
