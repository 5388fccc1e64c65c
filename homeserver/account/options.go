package account

import (
	"cmp"
	"runtime"
	"time"

	"maunium.net/go/mautrix/id"
)

// Mode says who may open an account.
type Mode int

// The modes.
const (
	Closed  Mode = iota // nobody but administrators, for others
	ByToken             // whoever has a registration token
	Open                // everybody
)

// Visibility says who may read the profiles of this server's accounts.
type Visibility int

// The visibilities.
const (
	ToAnyone        Visibility = iota // people without an account, too
	ToAcquaintances                   // who shares a room with them, or could: one that everybody may join or read
)

// Options are the settings of Accounts. A zero field means its default.
type Options struct {
	ServerName     string // of this server; required
	Registration   Mode
	Terms          []Policy // to be accepted by who opens an account
	SharedSecret   string   // with which programs open accounts; without one they cannot
	Passwords      Passwords
	WrongPasswords int // for one account in a row, before one has to wait; 20, negative: any number
	Life           Life
	Profiles       Visibility
	ResetPage      string               // address of the page on which people allow new cross-signing keys, for sessions by OAuth 2.0
	Exclusive      func(id.UserID) bool // names kept for application services; none
	System         id.UserID            // speaks for the server, so that nobody else can have the name; none
	Services       Services             // application services; none
	Remote         Remote               // profiles of people of other servers; none
	Now            func() time.Time     // time.Now
}

// Passwords is how passwords are judged and kept.
type Passwords struct {
	MinLength int    // characters; 8
	Memory    uint32 // KiB that it takes to check one; 19 MiB
	Passes    uint32 // over that memory; 2
	AtOnce    int    // that are checked at the same time; one for each processor, at most 4
	Waiting   int    // that may wait for it; 100
}

// CheapPasswords are for tests and measurements: they protect nobody.
func CheapPasswords() Passwords { return Passwords{MinLength: 1, Memory: 8, Passes: 1} }

// Life is how long tokens are good for.
type Life struct {
	Access time.Duration // access tokens of clients that can renew them; 1 hour
	Plain  time.Duration // access tokens of other clients; for ever
	Login  time.Duration // tokens that sign in once; 2 minutes
	OpenID time.Duration // tokens that tell a service who one is; 1 hour
}

// withDefaults fills in the zero fields.
func (o Options) withDefaults() Options {
	o.WrongPasswords = cmp.Or(o.WrongPasswords, 20)
	o.Passwords.MinLength = cmp.Or(o.Passwords.MinLength, 8)
	o.Passwords.Memory = cmp.Or(o.Passwords.Memory, 19<<10)
	o.Passwords.Passes = cmp.Or(o.Passwords.Passes, 2)
	o.Passwords.AtOnce = cmp.Or(o.Passwords.AtOnce, min(runtime.GOMAXPROCS(0), 4))
	o.Passwords.Waiting = cmp.Or(o.Passwords.Waiting, 100)
	o.Life.Access = cmp.Or(o.Life.Access, time.Hour)
	o.Life.Login = cmp.Or(o.Life.Login, 2*time.Minute)
	o.Life.OpenID = cmp.Or(o.Life.OpenID, time.Hour)
	if o.Exclusive == nil {
		o.Exclusive = func(id.UserID) bool { return false }
	}
	if o.Services == nil {
		o.Services = noServices{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Policy is a document that people accept before they get an account.
//
// Spec: client-server-api#terms-of-service-at-registration
type Policy struct {
	ID      string
	Version string
	Texts   map[string]PolicyText // by language, such as "en"
}

// PolicyText is a Policy in one language.
type PolicyText struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}
