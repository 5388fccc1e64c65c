// Package rendezvous lets two devices of one person that do not know each
// other yet pass notes, so that the one can sign the other in by a QR code.
// What they pass is encrypted, is of no use to this server, and is never on
// its disk.
package rendezvous

import (
	"cmp"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"plenum/internal/matrix"
)

// MaxData is how many bytes a note may have.
//
// Spec: MSC4388, maximum payload size
const MaxData = 4096

// ErrChanged says that another note was left meanwhile.
var ErrChanged = errors.New("another note was left meanwhile")

// Options are the settings of Places. A zero field means its default.
type Options struct {
	Life time.Duration // of a place; 5 minutes
	Max  int           // places at once; 1,000
	Now  func() time.Time
}

// Places are where devices meet. Each holds one note, which the next one
// replaces. Its methods may be called concurrently.
type Places struct {
	opt Options

	mu     sync.Mutex
	all    map[string]*Place
	oldest []*Place // in the order in which they end, cancelled ones too
}

// Place is where two devices meet, as it was when it was asked for.
type Place struct {
	ID      string
	Token   string // changes with every note
	Data    string
	Changed time.Time
	Expires time.Time
}

// New returns no places.
func New(opt Options) *Places {
	opt.Life = cmp.Or(opt.Life, 5*time.Minute)
	opt.Max = cmp.Or(opt.Max, 1000)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Places{opt: opt, all: map[string]*Place{}}
}

// Open makes a place with a first note in it. When there are too many, it asks
// to wait: those who meet already are not disturbed.
func (p *Places) Open(data string) (Place, error) {
	if err := check(data); err != nil {
		return Place{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.sweep()
	if len(p.oldest) >= p.opt.Max {
		return Place{}, &matrix.Error{
			Code: matrix.LimitExceeded, Text: "Too many people are signing in this way; try again soon.",
			RetryAfter: p.oldest[0].Expires.Sub(now),
		}
	}
	place := &Place{ID: rand.Text(), Token: rand.Text(), Data: data, Changed: now, Expires: now.Add(p.opt.Life)}
	p.all[place.ID] = place
	p.oldest = append(p.oldest, place)
	return *place, nil
}

// Look returns a place.
func (p *Places) Look(id string) (Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	place, err := p.find(id)
	if err != nil {
		return Place{}, err
	}
	return *place, nil
}

// Leave puts another note into a place, if token is of the note that is there.
// When it is not, Leave returns the place as it is and ErrChanged.
func (p *Places) Leave(id, token, data string) (Place, error) {
	if err := check(data); err != nil {
		return Place{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.sweep()
	place, err := p.find(id)
	if err != nil {
		return Place{}, err
	}
	if place.Token != token {
		return *place, ErrChanged
	}
	place.Token, place.Data, place.Changed = rand.Text(), data, now
	return *place, nil
}

// Close ends a place.
func (p *Places) Close(id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	place, err := p.find(id)
	if err != nil {
		return err
	}
	delete(p.all, id)
	place.Data = ""
	return nil
}

// Left returns how long a place lasts.
func (p *Places) Left(place Place) time.Duration { return place.Expires.Sub(p.opt.Now()) }

// find returns a place. The caller holds mu.
func (p *Places) find(id string) (*Place, error) {
	if place := p.all[id]; place != nil {
		return place, nil
	}
	return nil, matrix.Errorf(matrix.NotFound, "This has ended, or never was.")
}

// sweep drops the places that have ended, and returns the time. The caller
// holds mu.
func (p *Places) sweep() time.Time {
	now := p.opt.Now()
	n := 0
	for n < len(p.oldest) && !now.Before(p.oldest[n].Expires) {
		delete(p.all, p.oldest[n].ID)
		p.oldest[n] = nil
		n++
	}
	p.oldest = p.oldest[n:]
	return now
}

func check(data string) error {
	if len(data) > MaxData {
		return matrix.Errorf(matrix.TooLarge, "A note may have at most %d bytes.", MaxData)
	}
	return nil
}
