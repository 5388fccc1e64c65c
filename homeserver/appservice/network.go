package appservice

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"sync"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"plenum/internal/matrix"
)

// Protocol returns what is known of a foreign network that services lead to:
// the first one's description with the instances of all.
//
// Spec: client-server-api#get_matrixclientv3thirdpartyprotocolprotocol
func (r *Registry) Protocol(ctx context.Context, protocol string) (json.RawMessage, error) {
	var known json.RawMessage
	instances := []json.RawMessage{}
	for _, d := range r.all(ctx, r.leading(protocol), "protocol/"+url.PathEscape(protocol), nil) {
		if !d.answer.IsObject() {
			continue
		}
		if known == nil {
			known = json.RawMessage(d.answer.Raw)
		}
		for _, one := range d.answer.Get("instances").Array() {
			if one.IsObject() {
				instances = append(instances, instance(d.service, one))
			}
		}
	}
	if known == nil {
		return nil, matrix.Errorf(matrix.NotFound, "No bridge of this server leads there.")
	}
	list, err := json.Marshal(instances)
	if err != nil {
		return nil, err
	}
	return sjson.SetRawBytes(known, "instances", list)
}

// instance is one of a network's instances with a name that clients can ask
// for its rooms by.
func instance(s *Service, one gjson.Result) json.RawMessage {
	named, err := sjson.SetBytes([]byte(one.Raw), "instance_id", InstanceID(s.ID, one.Get("network_id").Str))
	if err != nil {
		return json.RawMessage(one.Raw)
	}
	return named
}

// InstanceID names a network of a service for clients.
func InstanceID(service, network string) string { return service + "|" + network }

// Protocols returns all foreign networks that services lead to, by protocol.
//
// Spec: client-server-api#get_matrixclientv3thirdpartyprotocols
func (r *Registry) Protocols(ctx context.Context) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, s := range r.services {
		for _, protocol := range s.Protocols {
			if all[protocol] != nil {
				continue
			}
			if known, err := r.Protocol(ctx, protocol); err == nil {
				all[protocol] = known
			}
		}
	}
	return all
}

// Find returns the users or locations ("user", "location") of a foreign
// network that fit fields.
//
// Spec: client-server-api#get_matrixclientv3thirdpartyuserprotocol
func (r *Registry) Find(ctx context.Context, kind, protocol string, fields url.Values) (json.RawMessage, error) {
	leading := r.leading(protocol)
	if len(leading) == 0 {
		return nil, matrix.Errorf(matrix.NotFound, "No bridge of this server leads there.")
	}
	return join(r.all(ctx, leading, kind+"/"+url.PathEscape(protocol), fields))
}

// FindUser returns whom a user of this server stands for elsewhere.
//
// Spec: client-server-api#get_matrixclientv3thirdpartyuser
func (r *Registry) FindUser(ctx context.Context, user string) (json.RawMessage, error) {
	in := func(s *Service) bool { in, _ := match(s.users, user); return in }
	return join(r.all(ctx, r.those(in), "user", url.Values{"userid": {user}}))
}

// FindLocation returns what an alias stands for elsewhere.
//
// Spec: client-server-api#get_matrixclientv3thirdpartylocation
func (r *Registry) FindLocation(ctx context.Context, alias string) (json.RawMessage, error) {
	in := func(s *Service) bool { in, _ := match(s.aliases, alias); return in }
	return join(r.all(ctx, r.those(in), "location", url.Values{"alias": {alias}}))
}

func (r *Registry) leading(protocol string) []*Service {
	return r.those(func(s *Service) bool { return s.Bridges(protocol) })
}

func (r *Registry) those(are func(*Service) bool) []*Service {
	return slices.DeleteFunc(slices.Clone(r.services), func(s *Service) bool { return !are(s) })
}

// description is what a service has answered.
type description struct {
	service *Service
	answer  gjson.Result
}

// all asks services at the same time, and returns the answers in their order.
func (r *Registry) all(ctx context.Context, services []*Service, path string, query url.Values) []description {
	found := make([]description, len(services))
	var each sync.WaitGroup
	for i, s := range services {
		each.Go(func() {
			body, ok := r.ask(ctx, s, "thirdparty/"+path, query)
			if ok && gjson.ValidBytes(body) {
				found[i] = description{s, gjson.ParseBytes(body)}
			}
		})
	}
	each.Wait()
	return slices.DeleteFunc(found, func(d description) bool { return d.service == nil })
}

// join makes one list of the lists that services have answered with.
func join(found []description) (json.RawMessage, error) {
	list := []json.RawMessage{}
	for _, d := range found {
		if !d.answer.IsArray() {
			continue
		}
		for _, one := range d.answer.Array() {
			if one.IsObject() {
				list = append(list, json.RawMessage(one.Raw))
			}
		}
	}
	return json.Marshal(list)
}
