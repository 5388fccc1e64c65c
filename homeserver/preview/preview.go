package preview

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"plenum/homeserver/media"
	"plenum/internal/matrix"
	"plenum/internal/outward"
)

// Images keeps pictures of pages. *media.Media implements it.
type Images interface {
	KeepImage(ctx context.Context, body io.Reader, life time.Duration) (media.Image, error)
}

// Options are the settings of Previews. A zero field means its default.
type Options struct {
	On        bool
	Dialer    *outward.Dialer  // how pages are reached; to public addresses, ports 80 and 443
	Allow     []string         // hosts of which there are previews, such as "*.example.org"; all
	Deny      []string         // hosts of which there are none
	Languages string           // which pages are asked for (Accept-Language); "en"
	MaxPage   int64            // bytes that are read of a page; 2 MiB
	MaxImage  int64            // bytes of a picture; 5 MiB
	Time      time.Duration    // for a page and its picture; 10 s
	Life      time.Duration    // how long an answer is remembered; 1 h
	ImageLife time.Duration    // how long a picture is kept; 3 days
	Now       func() time.Time // time.Now
}

const (
	failureLife  = time.Minute // how long a failure is remembered
	maxAnswers   = 2000        // that are remembered
	maxAddress   = 4096        // bytes of the address of a page
	fetchesAtOne = 16          // pages that are fetched at the same time
)

func (o Options) withDefaults() Options {
	if o.Dialer == nil {
		o.Dialer = &outward.Dialer{Ports: []uint16{80, 443}}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Languages = cmp.Or(o.Languages, "en")
	o.MaxPage = cmp.Or(o.MaxPage, 2<<20)
	o.MaxImage = cmp.Or(o.MaxImage, 5<<20)
	o.Time = cmp.Or(o.Time, 10*time.Second)
	o.Life = cmp.Or(o.Life, time.Hour)
	o.ImageLife = cmp.Or(o.ImageLife, 72*time.Hour)
	return o
}

// Previews makes previews. It is safe for concurrent use.
type Previews struct {
	opt    Options
	images Images
	fetch  *fetcher
	known  *lru.Cache[key, answer]
	flight singleflight.Group
	turns  *semaphore.Weighted
}

// key stands for the address of a page.
type key [sha256.Size]byte

// answer is what was found out about a page.
type answer struct {
	graph   json.RawMessage // nil: nothing
	expires time.Time
}

// New returns Previews whose pictures images keeps.
func New(images Images, opt Options) (*Previews, error) {
	opt = opt.withDefaults()
	known, err := lru.New[key, answer](maxAnswers)
	if err != nil {
		return nil, err
	}
	return &Previews{opt: opt, images: images, fetch: newFetcher(opt), known: known, turns: semaphore.NewWeighted(fetchesAtOne)}, nil
}

// Of returns what is known about a page, as OpenGraph has it. It says nothing
// about why a page could not be read, which would make it a tool to look into
// other people's networks.
//
// Spec: client-server-api#get_matrixclientv1mediapreview_url
func (p *Previews) Of(ctx context.Context, address string) (json.RawMessage, error) {
	if !p.opt.On {
		return nil, matrix.Errorf(matrix.Forbidden, "This server makes no previews of links.")
	}
	if address == "" {
		return nil, matrix.Errorf(matrix.MissingParam, "The query parameter \"url\" is missing.")
	}
	u, err := parseAddress(address)
	if err != nil {
		return nil, matrix.Errorf(matrix.InvalidParam, "This is no address of a page.")
	}
	if !p.fetch.mayAsk(u.Hostname()) {
		return nil, matrix.Errorf(matrix.Forbidden, "This server makes no previews of pages there.")
	}
	at := key(sha256.Sum256([]byte(u.String())))
	if a, ok := p.known.Get(at); ok && p.opt.Now().Before(a.expires) {
		return a.found()
	}
	made, err, _ := p.flight.Do(string(at[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.opt.Time)
		defer cancel()
		a, err := p.find(ctx, u.String())
		if err == nil {
			p.known.Add(at, a)
		}
		return a, err
	})
	if err != nil {
		return nil, err
	}
	return made.(answer).found()
}

func (a answer) found() (json.RawMessage, error) {
	if a.graph == nil {
		return nil, matrix.Errorf(matrix.NotFound, "There is no preview of this page.")
	}
	return a.graph, nil
}

// find looks at a page. That nothing is found is an answer, not an error.
func (p *Previews) find(ctx context.Context, address string) (answer, error) {
	if err := p.turns.Acquire(ctx, 1); err != nil {
		busy := matrix.Errorf(matrix.LimitExceeded, "Too many previews are being made. Try again later.")
		busy.RetryAfter, busy.Err = p.opt.Time, err
		return answer{}, busy
	}
	defer p.turns.Release(1)
	g, err := p.look(ctx, address)
	if err != nil {
		return answer{expires: p.opt.Now().Add(failureLife)}, nil
	}
	raw, err := json.Marshal(g)
	return answer{graph: raw, expires: p.opt.Now().Add(p.opt.Life)}, err
}

// look fetches a page, and what belongs to it.
func (p *Previews) look(ctx context.Context, address string) (graph, error) {
	f, err := p.fetch.get(ctx, address, acceptPage)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch {
	case f.isImage():
		g := graph{}
		return g, p.addImage(ctx, g, f)
	case !f.isPage():
		return graph{}, nil
	}
	pg := readPage(f.limited(p.opt.MaxPage), f.header, f.at)
	f.Close() // before the next is fetched
	if at := pg.embedded(); at != "" {
		p.addEmbedded(ctx, pg, at)
	}
	g := pg.graph()
	if at := pg.image(); at != "" {
		p.fetchImage(ctx, g, at)
	}
	return g, nil
}

// fetchImage adds the picture of a page. Without it a preview is still one.
func (p *Previews) fetchImage(ctx context.Context, g graph, address string) {
	f, err := p.fetch.get(ctx, address, acceptImage)
	if err != nil {
		return
	}
	defer f.Close()
	if f.isImage() {
		_ = p.addImage(ctx, g, f)
	}
}

// addImage keeps a picture and adds it to g.
func (p *Previews) addImage(ctx context.Context, g graph, f *fetched) error {
	img, err := p.images.KeepImage(ctx, f.whole(p.opt.MaxImage), p.opt.ImageLife)
	if err != nil {
		return err
	}
	g["og:image"] = img.URI.String()
	g["og:image:type"] = img.ContentType
	g["og:image:width"] = img.Width
	g["og:image:height"] = img.Height
	g["matrix:image:size"] = img.Size
	return nil
}
