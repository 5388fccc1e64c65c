package appservice

import (
	"plenum/homeserver/tell"
)

// body is the transaction as it is sent. What has a stable name and an older
// one goes by both, because services of either kind are in use.
//
// Spec: application-service-api#put_matrixappv1transactionstxnid
func (t *transaction) body() ([]byte, error) {
	w := tell.Writer{Buf: []byte{'{'}}
	list := func(content []byte, names ...string) {
		for _, name := range names {
			w.Name(name)
			w.Raw(append(append([]byte{'['}, content...), ']'))
		}
	}
	list(t.events.Buf, "events")
	if t.c.to.ephemeral && len(t.ephemeral.Buf) > 0 {
		list(t.ephemeral.Buf, "ephemeral", "de.sorunome.msc2409.ephemeral")
	}
	if !t.c.to.devices {
		return append(w.Buf, '}'), nil
	}
	if len(t.toDevice.Buf) > 0 {
		list(t.toDevice.Buf, "to_device", "de.sorunome.msc2409.to_device")
	}
	if !t.devices.isEmpty() {
		for _, name := range []string{"device_lists", "org.matrix.msc3202.device_lists"} {
			lists := w.Open(name)
			w.Users("changed", t.devices.changed)
			w.Users("left", t.devices.left)
			w.Close(lists)
		}
	}
	counts, fallbacks, err := t.stocks()
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		name    string
		content []byte
	}{
		{"device_one_time_keys_count", counts}, {"org.matrix.msc3202.device_one_time_keys_count", counts},
		{"org.matrix.msc3202.device_one_time_key_counts", counts}, // the name in the proposal
		{"device_unused_fallback_key_types", fallbacks}, {"org.matrix.msc3202.device_unused_fallback_key_types", fallbacks},
	} {
		w.Name(one.name)
		w.Raw(one.content)
	}
	return append(w.Buf, '}'), nil
}
