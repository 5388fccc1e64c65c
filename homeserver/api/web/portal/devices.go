package portal

import (
	"cmp"
	"net/http"
	"time"

	"maunium.net/go/mautrix/id"
)

// deviceView is one device of somebody.
type deviceView struct {
	ID      id.DeviceID
	Name    string
	App     string // the program's home page, where it has one
	Seen    string // day; empty: not known
	Address string // of its page
}

func nameOf(name string, device id.DeviceID) string { return cmp.Or(name, string(device)) }

// devices returns the devices of who is signed in.
func (v *visit) devices() ([]deviceView, error) {
	all, err := v.api.accounts.DevicesOf(v.r.Context(), v.user)
	if err != nil {
		return nil, err
	}
	views := make([]deviceView, len(all))
	for i, d := range all {
		views[i] = deviceView{ID: d.ID, Name: nameOf(d.Name, d.ID), Address: pathOf("org.matrix.device_view", string(d.ID))}
		if d.LastSeenMS != nil {
			views[i].Seen = time.UnixMilli(*d.LastSeenMS).UTC().Format(v.said.DayFormat)
		}
		client, ok, err := v.api.server.ClientOf(v.r.Context(), d.Client)
		if err != nil {
			return nil, err
		}
		if ok {
			views[i].App = client.Host()
		}
	}
	return views, nil
}

// showDevices is the page with all devices.
func (a *API) showDevices(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	all, err := v.devices()
	if err != nil {
		return err
	}
	return v.page(http.StatusOK, "devices", view{Title: v.said.DevicesTitle, Data: all})
}

// showDevice is the page of one device.
func (a *API) showDevice(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	all, err := v.devices()
	if err != nil {
		return err
	}
	for _, d := range all {
		if string(d.ID) == v.r.URL.Query().Get("device_id") {
			return v.page(http.StatusOK, "device", view{Title: d.Name, Data: d})
		}
	}
	return v.page(http.StatusNotFound, "devices", view{Title: v.said.DevicesTitle, Problem: v.said.NoDevice, Data: all})
}

// endDevice is its form.
func (a *API) endDevice(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	if err := a.accounts.SignOutOf(v.r.Context(), v.user, id.DeviceID(v.r.URL.Query().Get("device_id"))); err != nil {
		return err
	}
	return v.goTo(devicesPath)
}

// showAll is the page on which people sign out everywhere.
func (a *API) showAll(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	return v.page(http.StatusOK, "all", view{Title: v.said.AllTitle})
}

// endAll is its form.
func (a *API) endAll(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	if err := a.accounts.SignOutEverywhere(v.r.Context(), v.user); err != nil {
		return err
	}
	return v.goTo(devicesPath)
}
