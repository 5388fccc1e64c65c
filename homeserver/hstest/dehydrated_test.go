package hstest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidwall/gjson"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const dehydrated = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"

// oneTimeKeys makes one-time keys with these names.
func oneTimeKeys(names ...string) map[string]any {
	keys := map[string]any{}
	for _, name := range names {
		keys["signed_curve25519:"+name] = map[string]any{"key": name}
	}
	return keys
}

// devicesOf returns the devices of other whose keys c finds.
func devicesOf(c *hstest.Client, other any) []string {
	answer := c.Post(v3+"/keys/query", hstest.More{"device_keys": hstest.More{fmt.Sprint(other): []string{}}})
	var ids []string
	for id := range hstest.Part(answer, "device_keys", fmt.Sprint(other)).Map() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// sendTo sends a message from device to device.
func sendTo(c *hstest.Client, txn string, user, device any, text string) {
	c.Put(hstest.Path(v3, "sendToDevice", "m.test", txn), hstest.More{"messages": hstest.More{
		fmt.Sprint(user): hstest.More{fmt.Sprint(device): hstest.More{"text": text}},
	}})
}

// texts are those of messages from device to device.
func texts(events gjson.Result) []string {
	out := []string{}
	for _, e := range events.Array() {
		out = append(out, e.Get("content.text").Str)
	}
	return out
}

func TestADehydratedDeviceCollectsMessages(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada").In(t), s.Client("bob").In(t)
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		bob.Sync()
		ada.Refused(matrix.NotFound).Get(dehydrated)
		ada.Refused(matrix.NotFound).Delete(dehydrated, nil)

		const device = "curve/25519+key"
		put := func(device, first string) {
			ada.Put(dehydrated, hstest.More{
				"device_id": device, "initial_device_display_name": "Dehydrated",
				"device_data":   hstest.More{"algorithm": "org.matrix.msc3814.v1.olm", "device_pickle": "secret"},
				"device_keys":   deviceKeys(t, ada.User, device),
				"one_time_keys": oneTimeKeys(first),
				"fallback_keys": oneTimeKeys("fall"),
			})
		}
		put(device, "a")
		if got := bob.Sync().Get("device_lists.changed").String(); got != fmt.Sprintf("[%q]", ada.User) {
			t.Errorf("bob is told that the devices of %s changed", got)
		}
		if got := devicesOf(bob, ada.User); !slices.Equal(got, []string{device}) {
			t.Errorf("bob sees the devices %q", got)
		}
		claim := hstest.More{"one_time_keys": hstest.More{string(ada.User): hstest.More{device: "signed_curve25519"}}}
		for _, want := range []string{"a", "fall", "fall"} {
			if got := bob.Post(v3+"/keys/claim", claim).Get("one_time_keys.*.*.*.key").Str; got != want {
				t.Errorf("bob claims %q, want %q", got, want)
			}
		}

		// Whoever has no device left still gets what was sent.
		ada.Post(v3+"/logout/all", hstest.More{})
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprint(i))
			sendTo(bob, fmt.Sprint(i), ada.User, []string{device, "*"}[i%2], fmt.Sprint(i))
		}
		s.Restart()
		ada = s.SignIn(ada.User).In(t)
		if a := ada.Get(dehydrated); a.Get("device_id").Str != device || a.Get("device_data.device_pickle").Str != "secret" {
			t.Errorf("the device is %s", a)
		}
		events := hstest.Path(dehydrated, device, "events")
		for range 2 { // what was read stays
			for name, got := range map[string][]string{
				"GET":  pages(func(from string) gjson.Result { return ada.Get(events + "?limit=2" + query("from", from)) }),
				"POST": pages(func(from string) gjson.Result { return ada.Post(events+"?limit=2", hstest.More{"next_batch": from}) }),
			} {
				if !slices.Equal(got, want) {
					t.Errorf("%s: the messages are %q, want %q", name, got, want)
				}
			}
		}
		ada.Refused(matrix.Forbidden).Get(hstest.Path(dehydrated, ada.Device, "events"))
		bob.Refused(matrix.Forbidden).Post(events, hstest.More{})
		ada.Refused(matrix.InvalidParam).Get(events + "?from=yesterday")

		put("next", "b")
		if got := devicesOf(bob, ada.User); !slices.Equal(got, []string{"next"}) {
			t.Errorf("after another took its place, bob sees the devices %q", got)
		}
		ada.Refused(matrix.Forbidden).Get(events)
		if gone := ada.Delete(dehydrated, nil).Get("device_id").Str; gone != "next" {
			t.Errorf("deleted %q", gone)
		}
		if got := devicesOf(bob, ada.User); len(got) != 0 {
			t.Errorf("after it was deleted, bob sees the devices %q", got)
		}
	})
}

func TestADehydratedDeviceGoesWithItsAccount(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Privacy.Keys = "anyone" }})
	ada, bob := s.Client("ada"), s.Client("bob")
	ada.Put(dehydrated, hstest.More{
		"device_id": "DRY", "device_data": hstest.More{"algorithm": "m.x"}, "device_keys": deviceKeys(t, ada.User, "DRY"),
	})
	if got := devicesOf(bob, ada.User); !slices.Equal(got, []string{"DRY"}) {
		t.Errorf("bob sees the devices %q", got)
	}
	ada.Post(v3+"/account/deactivate", hstest.More{"auth": hstest.More{
		"type": "m.login.password", "password": hstest.Password,
		"identifier": hstest.More{"type": "m.id.user", "user": ada.User},
	}})
	if got := devicesOf(bob, ada.User); len(got) != 0 {
		t.Errorf("of a closed account bob sees the devices %q", got)
	}
}

func query(name, value string) string {
	if value == "" {
		return ""
	}
	return "&" + name + "=" + value
}

// pages reads messages the way clients do: one kind until there is no token,
// the other until there are no messages.
func pages(page func(from string) gjson.Result) (all []string) {
	for from := ""; ; {
		a := page(from)
		got := texts(a.Get("events"))
		all = append(all, got...)
		if from = a.Get("next_batch").Str; from == "" || len(got) == 0 {
			return all
		}
	}
}

func TestDehydratingRefuses(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	for name, c := range map[string]struct {
		change func(hstest.More)
		code   matrix.Code
	}{
		"no id":          {func(b hstest.More) { delete(b, "device_id") }, matrix.InvalidParam},
		"no keys":        {func(b hstest.More) { delete(b, "device_keys") }, matrix.MissingParam},
		"no data":        {func(b hstest.More) { delete(b, "device_data") }, matrix.BadJSON},
		"no algorithm":   {func(b hstest.More) { b["device_data"] = hstest.More{} }, matrix.BadJSON},
		"another's keys": {func(b hstest.More) { b["device_keys"] = deviceKeys(t, ada.User, "OTHER") }, matrix.BadJSON},
		"a device that is in use": {func(b hstest.More) {
			b["device_id"], b["device_keys"] = ada.Device, deviceKeys(t, ada.User, ada.Device)
		}, matrix.InvalidParam},
	} {
		body := hstest.More{
			"device_id": "ID", "device_data": hstest.More{"algorithm": "m.x"}, "device_keys": deviceKeys(t, ada.User, "ID"),
		}
		c.change(body)
		t.Log(name)
		ada.Refused(c.code).Put(dehydrated, body)
	}
	ada.Refused(matrix.NotFound).Get(dehydrated)
}
