package homeserver

import (
	"plenum/config"
	"plenum/homeserver/api/client/discovery"
)

// discovered is what clients learn of this server.
func (p *parts) discovered(cfg config.Config) discovery.Options {
	o := discoveryOptions(cfg, p.healthy)
	o.WebPush = p.push.WebKey()
	return o
}
