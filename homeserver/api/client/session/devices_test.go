package session_test

import (
	"net/http"
	"strings"
	"testing"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func (p *person) delete(device string, auth obj) answer {
	p.t.Helper()
	return p.do(p.access, http.MethodDelete, v3+"/devices/"+device, obj{"auth": auth})
}

func TestDevices(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		phone := w.login("ada", ada.password, obj{"device_id": "phone", "initial_device_display_name": "pocket"})
		if ids := ada.deviceIDs(); !strings.Contains(ids, "phone") || !strings.Contains(ids, ada.device) {
			t.Errorf("devices %s", ids)
		}
		if d := w.get(ada.access, v3+"/devices/phone").ok(); string(d.body) != `{"device_id":"phone","display_name":"pocket"}` {
			t.Errorf("got %s; want no address and no time", d.body)
		}
		rename := func(device string, body obj) answer {
			return w.do(ada.access, http.MethodPut, v3+"/devices/"+device, body)
		}
		rename("phone", obj{"display_name": "bag"}).ok()
		rename("phone", obj{}).ok()
		if d := w.get(phone.access, v3+"/devices/phone").ok(); d.str("display_name") != "bag" {
			t.Errorf("got %s", d.body)
		}
		rename("none", obj{"display_name": "x"}).want(http.StatusNotFound, matrix.NotFound)
		rename("none", obj{}).want(http.StatusNotFound, matrix.NotFound)
		rename("phone", obj{"display_name": strings.Repeat("x", 256)}).want(http.StatusBadRequest, matrix.InvalidParam)
		w.get(ada.access, v3+"/devices/none").want(http.StatusNotFound, matrix.NotFound)
		bob := w.open("bob")
		w.get(bob.access, v3+"/devices/phone").want(http.StatusNotFound, matrix.NotFound)
	})
}

func TestDeleteDevice(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada, bob := w.open("ada"), w.open("bob")
		phone := w.login("ada", ada.password, obj{"device_id": "phone"})
		w.do(ada.access, http.MethodDelete, v3+"/devices/phone", nil).asks("", passwordFlow)
		session := ada.delete("phone", nil).asks("", passwordFlow)
		wrong := ada.auth(session)
		wrong["password"] = "wrong"
		ada.delete("phone", wrong).asks(matrix.Forbidden, passwordFlow)
		ada.delete("phone", bob.auth(session)).want(http.StatusForbidden, matrix.Forbidden)
		if !phone.isIn() {
			t.Fatal("the device is gone too early")
		}
		ada.delete("phone", ada.auth(session)).ok()
		if phone.isIn() || !ada.isIn() {
			t.Error("the wrong session has ended")
		}
		w.get(ada.access, v3+"/devices/phone").want(http.StatusNotFound, matrix.NotFound)
		ada.delete("phone", ada.auth("")).ok() // gone already
		older := obj{"type": "m.login.password", "user": ada.user, "password": ada.password}
		ada.delete("phone", older).ok()
		ada.delete("phone", obj{"type": "m.login.password", "password": ada.password}).ok()
	})
}

// A permission is for what it was asked for.
func TestPermissionIsForOneThing(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada, bob := w.open("ada"), w.open("bob")
		phone := w.login("ada", ada.password, obj{"device_id": "phone"})
		tv := w.login("ada", ada.password, obj{"device_id": "tv"})
		session := ada.delete("phone", nil).asks("", passwordFlow)
		if next := ada.delete("tv", ada.auth(session)).asks(matrix.Forbidden, passwordFlow); next == session {
			t.Error("the session was taken over")
		}
		w.post(ada.access, v3+"/account/deactivate", obj{"auth": ada.auth(session)}).asks(matrix.Forbidden, passwordFlow)
		bob.delete("phone", bob.auth(session)).asks(matrix.Forbidden, passwordFlow)
		ada.delete("phone", with(ada.auth(session), obj{"type": "m.login.dummy"})).asks(matrix.Unrecognized, passwordFlow)
		ada.delete("phone", with(ada.auth(session), obj{"type": "m.login.registration_token"})).asks(matrix.Unrecognized, passwordFlow)
		w.do(ada.access, http.MethodDelete, v3+"/devices/phone", obj{"auth": "x"}).want(http.StatusBadRequest, matrix.BadJSON)
		if !tv.isIn() || !phone.isIn() {
			t.Error("a device is gone")
		}
		ada.delete("phone", ada.auth(session)).ok()
		if phone.isIn() {
			t.Error("the device is still there")
		}
	})
}

func TestDeleteDevices(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		phone := w.login("ada", ada.password, obj{"device_id": "phone"})
		tv := w.login("ada", ada.password, obj{"device_id": "tv"})
		car := w.login("ada", ada.password, obj{"device_id": "car"})
		path := v3 + "/delete_devices"
		session := w.post(ada.access, path, obj{"devices": []string{"phone", "tv", "none"}}).asks("", passwordFlow)
		w.post(ada.access, path, obj{"devices": []string{"none", "tv", "phone"}, "auth": ada.auth(session)}).ok()
		if phone.isIn() || tv.isIn() || !car.isIn() || !ada.isIn() {
			t.Error("the wrong devices are gone")
		}
		w.post(ada.access, path, obj{}).want(http.StatusBadRequest, matrix.MissingParam)
		w.post(ada.access, path, obj{"devices": make([]string, 1001)}).want(http.StatusBadRequest, matrix.InvalidParam)
	})
}

func TestLastSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	ada := w.open("ada")
	if d := w.get(ada.access, v3+"/devices").ok(); d.has("devices.0.last_seen_ts") || d.has("devices.0.last_seen_ip") {
		t.Errorf("got %s", d.body)
	}
}
