package appservice

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
)

// Options are the settings of a Registry. A zero field means its default.
type Options struct {
	Transport http.RoundTripper // to services, whose addresses the administrator has chosen; http.DefaultTransport
	Patience  time.Duration     // for the answer to a question; 10 seconds
	Log       *slog.Logger
}

// Registry is the application services of this server. It never changes.
type Registry struct {
	services []*Service
	tokens   [][sha256.Size]byte // as_token of each, hashed so that all are of one length
	opt      Options
}

// NewRegistry returns the registry of services.
func NewRegistry(services []*Service, opt Options) *Registry {
	if opt.Transport == nil {
		opt.Transport = http.DefaultTransport
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.Patience = cmp.Or(opt.Patience, 10*time.Second)
	r := &Registry{services: services, opt: opt}
	for _, s := range services {
		r.tokens = append(r.tokens, sha256.Sum256([]byte(s.ASToken)))
	}
	return r
}

// Services lists all of them.
func (r *Registry) Services() []*Service { return r.services }

// ByToken implements account.Services. It takes as long whichever token is
// the right one, and however much of it.
func (r *Registry) ByToken(token string) *account.Service {
	hash, at := sha256.Sum256([]byte(token)), -1
	for i := range r.tokens {
		if subtle.ConstantTimeCompare(r.tokens[i][:], hash[:]) == 1 {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	r.services[at].alive()
	return r.services[at].account()
}

// ByID implements account.Services.
func (r *Registry) ByID(id string) *account.Service {
	if s := r.service(id); s != nil {
		return s.account()
	}
	return nil
}

func (r *Registry) service(id string) *Service {
	for _, s := range r.services {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// account is the service as accounts know it.
func (s *Service) account() *account.Service {
	return &account.Service{ID: s.ID, Sender: s.Sender, Unlimited: !s.IsLimited(), Owns: s.Owns}
}

// alive notes that the service has made a request, so that what waits for it
// need not wait longer.
func (s *Service) alive() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// IsExclusive reports whether user is a name that only a service may take.
func (r *Registry) IsExclusive(user id.UserID) bool {
	for _, s := range r.services {
		if s.keeps(user) {
			return true
		}
	}
	return false
}

// CheckAlias returns M_EXCLUSIVE when alias is kept for a service other than
// the one that asks. It implements rooms.Bridges.
func (r *Registry) CheckAlias(p matrix.Principal, alias id.RoomAlias) error {
	kept := false
	for _, s := range r.services {
		in, exclusive := match(s.aliases, string(alias))
		if in && s.ID == p.Appservice {
			return nil
		}
		kept = kept || exclusive
	}
	if kept {
		return matrix.Errorf(matrix.Exclusive, "This alias is kept for a bridge.")
	}
	return nil
}

// AskUser lets the service that user would belong to register that user, and
// reports whether it says so. It implements account.Services and rooms.Bridges.
//
// Spec: application-service-api#get_matrixappv1usersuserid
func (r *Registry) AskUser(ctx context.Context, user id.UserID) bool {
	for _, s := range r.services {
		if in, _ := match(s.users, string(user)); in && r.knows(ctx, s, "users", string(user)) {
			return true
		}
	}
	return false
}

// AskAlias lets the service that alias would belong to make a room with that
// alias, and reports whether it says so. It implements rooms.Bridges.
//
// Spec: application-service-api#get_matrixappv1roomsroomalias
func (r *Registry) AskAlias(ctx context.Context, alias id.RoomAlias) bool {
	for _, s := range r.services {
		if in, _ := match(s.aliases, string(alias)); in && r.knows(ctx, s, "rooms", string(alias)) {
			return true
		}
	}
	return false
}
