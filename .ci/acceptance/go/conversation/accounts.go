package main

import (
	"context"
	"fmt"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

func (w *world) accounts(ctx context.Context, walk *steps.Walk) error {
	for name, who := range map[string]**people.Person{"alice": &w.alice, "bob": &w.bob} {
		if err := walk.Step(ctx, "register "+name, func(ctx context.Context) (err error) {
			*who, err = w.Register(ctx, w.Name(name))
			return err
		}); err != nil {
			return err
		}
	}
	if err := walk.Step(ctx, "log in on a second device", func(ctx context.Context) (err error) {
		w.phone, err = w.Login(ctx, w.alice, "alice's phone")
		return err
	}); err != nil {
		return err
	}
	_ = walk.Step(ctx, "whoami tells user and device", func(ctx context.Context) error {
		me, err := w.phone.Whoami(ctx)
		if err != nil {
			return err
		}
		if me.UserID != w.alice.UserID || me.DeviceID != w.phone.DeviceID || me.DeviceID == w.alice.DeviceID {
			return fmt.Errorf("got %s on %s", me.UserID, me.DeviceID)
		}
		return nil
	})
	_ = walk.Step(ctx, "a taken name is refused", func(ctx context.Context) error {
		_, err := w.Register(ctx, w.Name("alice"))
		return steps.Refused(err, mautrix.MUserInUse)
	})
	_ = walk.Step(ctx, "a wrong password is refused", func(ctx context.Context) error {
		_, err := w.Login(ctx, &people.Person{Client: w.alice.Client, Password: "wrong"}, "")
		return steps.Refused(err, mautrix.MForbidden)
	})
	_ = walk.Step(ctx, "the server has a version and capabilities", func(ctx context.Context) error {
		versions, err := w.alice.Versions(ctx)
		if err != nil {
			return err
		}
		if !versions.Supports(mautrix.FeatureAuthenticatedMedia) {
			return fmt.Errorf("no authenticated media in %v", versions.Versions)
		}
		_, err = w.alice.Capabilities(ctx)
		return err
	})
	_ = walk.Step(ctx, "devices are listed", func(ctx context.Context) error {
		answer, err := w.alice.GetDevicesInfo(ctx)
		if err != nil {
			return err
		}
		var ids []id.DeviceID
		for _, device := range answer.Devices {
			ids = append(ids, device.DeviceID)
		}
		if len(ids) != 2 || !slices.Contains(ids, w.alice.DeviceID) || !slices.Contains(ids, w.phone.DeviceID) {
			return fmt.Errorf("got %v", ids)
		}
		return nil
	})
	_ = walk.Step(ctx, "a name is set and read by others", func(ctx context.Context) error {
		if err := w.alice.SetDisplayName(ctx, "Alice A."); err != nil {
			return err
		}
		profile, err := w.bob.GetProfile(ctx, w.alice.UserID)
		if err != nil {
			return err
		}
		return steps.Equal("display name", profile.DisplayName, "Alice A.")
	})
	for _, p := range []*people.Person{w.alice, w.bob, w.phone} {
		p.Follow(ctx)
	}
	return nil
}

func (w *world) end(ctx context.Context, walk *steps.Walk) error {
	for _, p := range []*people.Person{w.alice, w.bob, w.phone} {
		p.Leave()
	}
	_ = walk.Step(ctx, "logout ends the one device", func(ctx context.Context) error {
		token := w.phone.AccessToken
		if _, err := w.phone.Logout(ctx); err != nil {
			return err
		}
		w.phone.AccessToken = token
		if _, err := w.phone.Whoami(ctx); steps.Refused(err, mautrix.MUnknownToken) != nil {
			return steps.Refused(err, mautrix.MUnknownToken)
		}
		_, err := w.alice.Whoami(ctx)
		return err
	})
	return walk.Step(ctx, "logout everywhere ends them all", func(ctx context.Context) error {
		if _, err := w.alice.LogoutAll(ctx); err != nil {
			return err
		}
		_, err := w.alice.Whoami(ctx)
		return steps.Refused(err, mautrix.MUnknownToken)
	})
}
