package main

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/crypto/verificationhelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// secretive is a person whose client encrypts. Its keys are in memory.
type secretive struct {
	*people.Person
	mach *crypto.OlmMachine
	emoji
}

// encrypt lets a person's client encrypt, publishes its keys, and follows.
func encrypt(ctx context.Context, p *people.Person) (*secretive, error) {
	helper, err := cryptohelper.NewCryptoHelper(p.Client, []byte("pickle"), crypto.NewMemoryStore(nil))
	if err != nil {
		return nil, err
	}
	if err := helper.Init(ctx); err != nil {
		return nil, err
	}
	p.Client.Crypto = helper
	s := &secretive{Person: p, mach: helper.Machine(), emoji: newEmoji()}
	s.helper = verificationhelper.NewVerificationHelper(p.Client, s.mach, nil, s.emoji, false, false, true)
	if err := s.helper.Init(ctx); err != nil {
		return nil, err
	}
	p.Follow(ctx)
	return s, nil
}

// register makes an account on a device that encrypts, with cross-signing keys.
// It returns the recovery key.
func (w *world) register(ctx context.Context, name string) (*secretive, string, error) {
	p, err := w.Register(ctx, w.Name(name))
	if err != nil {
		return nil, "", err
	}
	s, err := encrypt(ctx, p)
	if err != nil {
		return nil, "", err
	}
	recovery, _, err := s.mach.GenerateAndUploadCrossSigningKeys(ctx, nil, "")
	if err != nil {
		return nil, "", err
	}
	if err := s.mach.SignOwnDevice(ctx, s.mach.OwnIdentity()); err != nil {
		return nil, "", err
	}
	return s, recovery, s.mach.SignOwnMasterKey(ctx)
}

// reads waits until a message is there and readable.
func (s *secretive) reads(ctx context.Context, eventID id.EventID, want string) error {
	evt, err := s.Until(ctx, fmt.Sprintf("to read %q", want), func(evt *event.Event) bool {
		return evt.ID == eventID && evt.Type == event.EventMessage
	})
	if err != nil {
		return err
	}
	if !evt.Mautrix.WasEncrypted {
		return fmt.Errorf("%s was not encrypted", eventID)
	}
	return steps.Equal("message", evt.Content.AsMessage().Body, want)
}

// tells says something that all others read.
func (s *secretive) tells(ctx context.Context, room id.RoomID, text string, others ...*secretive) error {
	said, err := s.Say(ctx, room, text)
	if err != nil {
		return err
	}
	for _, other := range others {
		if err := other.reads(ctx, said, text); err != nil {
			return err
		}
	}
	return nil
}

// trusts asserts that s trusts a device of somebody because of who they are.
func (s *secretive) trusts(ctx context.Context, other *secretive) error {
	devices, err := s.mach.FetchKeys(ctx, []id.UserID{other.UserID}, true)
	if err != nil {
		return err
	}
	device := devices[other.UserID][other.DeviceID]
	if device == nil {
		return fmt.Errorf("%s does not know the device %s", s.UserID, other.DeviceID)
	}
	trust, err := s.mach.ResolveTrustContext(ctx, device)
	if err != nil {
		return err
	}
	if trust < id.TrustStateCrossSignedVerified {
		return fmt.Errorf("trust in %s is only %s", other.DeviceID, trust)
	}
	trusted, err := s.mach.IsUserTrusted(ctx, other.UserID)
	if err != nil {
		return err
	}
	return steps.Equal("trust in "+other.UserID.String(), trusted, true)
}
