// Package config is everything that an administrator may decide.
//
// The settings are one struct, Config. The tags of its fields hold their
// documentation and their default, and everything else is made from them: the
// values when there is no file, the names in the file and in the environment,
// the messages about a misspelt name, the annotated example file and the
// reference page. So a setting is added in one place, and no document drifts.
//
// Settings come, each over the one before, from the defaults, a TOML file, and
// environment variables named after the setting: PLENUM_LISTEN_CLIENT for
// client in the section [listen]. No file and no variable at all make a server
// that works on this machine.
package config

// Config is the settings of one server. Paths in it are absolute once loaded.
type Config struct {
	ServerName     string `default:"localhost" example:"example.org" doc:"The name of this server: what stands after the colon in @ada:example.org. Other servers find this one by it. It is part of every account and every message, so it cannot change once there are any."`
	PublicURL      string `example:"https://matrix.example.org" doc:"The address at which clients reach this server. Left empty, it is https:// and the server name."`
	DataFolder     string `default:"plenum-data" doc:"The folder for the database and the media. It is created if it is missing. Relative paths start at the folder of this file, or at the working folder when there is no file."`
	SigningKeyFile string `default:"plenum-keys/signing.key" doc:"The key with which this server signs events. It is created if it is missing. Keep a copy elsewhere: with it, others can pose as this server; without it, other servers stop trusting this one."`

	Listen       Listen       `doc:"Where the server listens."`
	TLS          TLS          `doc:"Certificates for the addresses that use HTTPS."`
	Federation   Federation   `doc:"How this server speaks with other servers."`
	Database     Database     `doc:"Where accounts and messages are kept."`
	Media        Media        `doc:"Pictures and other files that people send."`
	Backup       Backup       `doc:"Backups of the whole server, which \"plenum backup\" makes."`
	Registration Registration `doc:"How new people get an account. There is always \"plenum user create\", too."`
	Passwords    Passwords    `doc:"Passwords of accounts."`
	Sessions     Sessions     `doc:"How long people stay signed in."`
	Oauth        OAuth        `doc:"Signing in on pages of this server, in the browser."`
	RateLimits   RateLimits   `doc:"How often one person may ask. Each limit is a rate and how many requests may come at once, such as \"10/s, burst 50\", or \"off\". The rate is per second (s), minute (min) or hour (h)."`
	Rooms        Rooms        `doc:"What new rooms are like."`
	Privacy      Privacy      `doc:"What is kept and shown about people. Addresses and programs of people are not kept at all, whatever is set here."`
	Later        Later        `doc:"What is sent later, such as that somebody left a call."`
	Calls        Calls        `doc:"Calls of more than two people."`
	Presence     Presence     `doc:"Whether people see who is online."`
	Search       Search       `doc:"Whether people can search what was said."`
	Previews     Previews     `doc:"Previews of links: the title, a few words and a picture of the page that a link leads to."`
	Notices      Notices      `doc:"Messages of the server itself to people, which \"plenum notice\" sends."`
	Bridges      Bridges      `doc:"Bridges to other networks and bots: programs that speak for users of this server (application services)."`
	Support      Support      `doc:"Whom people can ask for help. It is shown to everybody, even without an account."`
	Log          Log          `doc:"What the server says about its work. Messages, tokens, and addresses of people are never in it."`

	// Throwaway is not nil for a server that is made for one measurement and
	// deleted after it. No file can say so: see Throwaway.
	Throwaway *Throwaway `toml:"-"`

	file   string // that was read
	folder string // where relative paths start
}

// File returns the name of the file that was read, or "".
func (c Config) File() string { return c.file }

// Folder returns where relative paths in the settings start.
func (c Config) Folder() string { return c.folder }

// Listen is where the server listens.
type Listen struct {
	Client     []string `default:"127.0.0.1:8008" doc:"Addresses for clients without HTTPS. Anybody on the way can read along, so keep to this machine (127.0.0.1) and put a web server with HTTPS in front, or use client_tls."`
	ClientTLS  []string `example:":443" doc:"Addresses for clients with HTTPS. They need a certificate, see the section [tls]."`
	Federation []string `example:":8448" doc:"Addresses for other servers, with HTTPS. They look for this server at port 8448, unless something else is told: see federation.address. The addresses for clients serve other servers too, and these serve clients."`
	Metrics    string   `example:"127.0.0.1:9100" doc:"Address for Prometheus to read figures about the server from, without HTTPS and without a password, at /metrics. Empty: nowhere."`
	Proxies    []string `example:"127.0.0.1" doc:"Addresses or networks of web servers in front of this one. Only theirs is the word taken on who is asking (X-Forwarded-For), which decides how often somebody without an account may ask."`
}

// TLS is where certificates come from.
type TLS struct {
	Certificate   string `example:"/etc/plenum/fullchain.pem" doc:"File with the certificate and those that vouch for it (PEM). A renewed file is noticed without a restart."`
	Key           string `example:"/etc/plenum/privkey.pem" doc:"File with the private key of the certificate (PEM). Nobody but the server should be able to read it."`
	ACME          bool   `default:"false" doc:"Get and renew certificates automatically, from Let's Encrypt unless acme_directory says otherwise. The server must be reachable from the internet on port 443 (a client_tls address), and you accept the terms of whoever issues the certificate."`
	ACMEEmail     string `example:"admin@example.org" doc:"Where the issuer may write about the certificates. Optional."`
	ACMEDirectory string `default:"https://acme-v02.api.letsencrypt.org/directory" doc:"The address of the issuer."`
}

// Federation is how this server speaks with other servers.
type Federation struct {
	Enabled      bool     `default:"true" doc:"Speak with other servers. Otherwise people talk with people of this server only. A server whose server_name is localhost never does."`
	Address      string   `example:"matrix.example.org:443" doc:"The name and the port at which other servers reach this one, told to those that ask for it at https://SERVER_NAME/.well-known/matrix/server. Left empty, it is that of public_url; or nothing is told when listen.federation names an address, and they come to port 8448 of the server_name."`
	Allow        []string `example:"*.example.org, friends.example" doc:"The only servers to speak with; * stands for any letters, ? for one. Empty: all but those in deny."`
	Deny         []string `example:"spam.example, *.spam.example" doc:"Servers not to speak with, even if allow names them."`
	AllowPrivate bool     `default:"false" doc:"Also connect to servers whose addresses are on this machine or in its own network. Whoever can name a server here can then let this one knock at such addresses."`
	Proxies      []string `example:"*.onion socks5h://127.0.0.1:9050" doc:"SOCKS5 proxies through which servers are reached: each a pattern of server names and the proxy's address. The first that fits counts. With socks5h the proxy also looks up names, as Tor does; names that end in .onion need such a one."`
	OnionOnly    bool     `default:"false" doc:"Speak only with servers inside Tor, whose names end in .onion, and look up no other names."`
	Notaries     []string `example:"keys.example.org" doc:"Servers that are asked for the signing keys of servers that do not answer. They learn whom this server speaks with, and are believed. Empty: nobody is."`
	Typing       bool     `default:"true" doc:"Tell other servers who is typing, in the rooms that they are in."`
	Receipts     bool     `default:"true" doc:"Tell other servers how far people have read, in the rooms that they are in, as people here are told. Receipts that people keep private stay here in any case."`
	Presence     bool     `default:"true" doc:"Tell other servers who is online, if presence.enabled is set. They learn it of people with whom theirs share a room."`
	Profiles     bool     `default:"true" doc:"Ask other servers for the profiles of their people when somebody here looks at one."`
	Media        bool     `default:"true" doc:"Fetch pictures and files from other servers when somebody here looks at one."`
}

// Federates reports whether this server speaks with others.
func (c Config) Federates() bool { return c.Federation.Enabled && c.ServerName != "localhost" }

// Database is where accounts and messages are kept.
type Database struct {
	URL            string `example:"postgres://plenum:secret@localhost/plenum" doc:"Empty: the file plenum.db in the data folder, which is right for most servers. A path: that file. postgres://…: a PostgreSQL database."`
	Synchronous    string `default:"full" doc:"full: whatever was acknowledged survives a power failure. normal: the last moments before one may be lost; a little faster on slow disks."`
	MaxConnections int    `default:"0" doc:"Connections that read at the same time. 0: four for SQLite, eight for PostgreSQL."`
}

// Media is pictures and other files that people send.
type Media struct {
	KeyFile      string   `default:"plenum-keys/media.key" doc:"The key with which all files are encrypted on the disk. It is created if it is missing. Keep a copy elsewhere: without it no file can be read again by anybody."`
	MaxUpload    Size     `default:"50 MiB" doc:"The largest file that somebody may send."`
	Quota        Size     `default:"0" example:"2 GiB" doc:"How much one person may have on the server in all. 0: no limit."`
	MaxPending   int      `default:"20" doc:"How many files one person may announce and send later."`
	KeepMetadata bool     `default:"false" doc:"Keep what cameras write into pictures, such as where and when a picture was taken. Otherwise it is removed on the way in. Pictures in encrypted rooms cannot be looked into: there it is up to the client."`
	MaxPixels    int64    `default:"64000000" doc:"Pictures with more pixels than this get no thumbnails: their size could exhaust the memory."`
	MaxThumbnail int      `default:"1600" doc:"The longest side of a thumbnail in pixels."`
	DecodeMemory Size     `default:"512 MiB" doc:"How much memory making thumbnails may take in all."`
	RemoteLife   Duration `default:"90 days" doc:"How long copies of other servers' files are kept. Later they are fetched again when somebody looks at them. 0: for ever."`
	LegacyPublic bool     `default:"false" doc:"Also serve files to people without an account, at the addresses that Matrix had before 2024. Only very old clients and bridges need it."`
}

// Backup is how backups are made.
type Backup struct {
	Recipients []string `example:"age1pjvgtzl8zz4sds76dxmxacpsqdhgxmw776r57llqnxamjpfej9ks5xspaz" doc:"Public keys of age (age1…) that backups are encrypted to. Who has the secret key of one of them can read a backup. \"plenum backup key FILE\" makes a pair; the one shown here is nobody's."`
}

// Registration is how new people get an account.
type Registration struct {
	Mode         string `default:"closed" doc:"closed: only an administrator makes accounts. token: who has a registration token (\"plenum token create\"). open: everybody; expect to be found by spammers."`
	SharedSecret string `example:"a long text that nobody guesses" doc:"A secret with which programs make accounts, even administrators', at /_synapse/admin/v1/register. Whoever knows it owns the server. Empty: no program can."`
	TermsURL     string `example:"https://example.org/terms.html" doc:"A page that people must accept before they get an account. Empty: none."`
	TermsName    string `default:"Terms of use" doc:"What clients call that page."`
	TermsVersion string `default:"1" doc:"The version of that page."`
}

// Passwords is how passwords are judged and kept.
type Passwords struct {
	MinLength   int  `default:"8" doc:"The shortest password that is accepted."`
	HashMemory  Size `default:"19 MiB" doc:"How much memory it takes to check one password (argon2id). More makes guessing a stolen password harder, and signing in slower."`
	HashPasses  int  `default:"2" doc:"How often that memory is gone through."`
	WrongInARow int  `default:"20" doc:"After how many wrong passwords for one account in a row it has to be waited before the next."`
}

// Sessions is how long people stay signed in.
type Sessions struct {
	AccessTokenLife Duration `default:"1 hour" doc:"How long an access token is good for before the client has to renew it. Only for clients that can."`
	PlainTokenLife  Duration `default:"0" example:"90 days" doc:"How long people stay signed in whose clients cannot renew tokens. 0: until they sign out."`
}

// OAuth is signing in on pages of this server.
type OAuth struct {
	Enabled bool `default:"true" doc:"Apps that can (Element X, Element, FluffyChat and others) send people to pages of this server to sign in, to open an account and to look after it, and never learn the password. Other apps go on asking for it. It needs a public address with https (public_url); without one, or only on this machine, it is off."`
}

// RateLimits is how often one person may ask.
type RateLimits struct {
	Default  Rate `default:"50/s, burst 200" doc:"Whatever is not named below."`
	Login    Rate `default:"12/min, burst 10" doc:"Signing in, and whatever else asks for a password."`
	Register Rate `default:"6/min, burst 5" doc:"Making accounts."`
	Message  Rate `default:"10/s, burst 50" doc:"Sending messages, and other events."`
	Join     Rate `default:"1/s, burst 20" doc:"Joining, knocking on and creating rooms."`
	Invite   Rate `default:"30/min, burst 20" doc:"Inviting people."`
	Media    Rate `default:"20/s, burst 100" doc:"Sending and fetching files."`
	Search   Rate `default:"2/s, burst 20" doc:"Searching."`
	Preview  Rate `default:"1/s, burst 40" doc:"Asking what is behind a link."`
	Admin    Rate `default:"20/s, burst 100" doc:"Requests of administrators."`
	Delayed  Rate `default:"100/s, burst 500" doc:"Putting off, sending and cancelling what is to be sent later. Clients in a call do it every few seconds, and many of them may come from one address."`
}

// Rooms is what new rooms are like.
type Rooms struct {
	DefaultVersion string   `default:"12" doc:"The version of new rooms, unless the client asks for another."`
	Encrypt        []string `default:"private_chat, trusted_private_chat" doc:"The kinds of new rooms that are end-to-end encrypted even when the client does not ask for it: private_chat, trusted_private_chat, public_chat. A room that is listed in the public directory is never encrypted by this. Programs that cannot encrypt, such as simple bots, cannot talk in such rooms; an empty list leaves it to the clients."`
	InMemory       int      `default:"2000" doc:"How many rooms are kept ready in memory."`
}

// Privacy is what is kept and shown about people.
type Privacy struct {
	Profiles string `default:"acquaintances" doc:"Who can look up the name and the picture of somebody here. acquaintances: people who share a room with them, or could join or read one that they are in. anyone: even people without an account."`
	Keys     string `default:"acquaintances" doc:"Who can look up the encryption keys of somebody here, and by them whether the account exists. acquaintances: people who share a room with them or invite them. anyone: everybody with an account."`
	Devices  bool   `default:"false" doc:"Show the names of people's devices to others. Names that clients make up often tell the program and the machine."`
	PushText bool   `default:"false" doc:"Let push gateways, and the companies behind them, read what unencrypted messages say, who wrote them and in which room, for apps that ask for it. Otherwise they learn that there is something new, and where: the ids of message and room, and how many messages are unread."`
	LastSeen bool   `default:"false" doc:"Note for each device the day on which it was used last, so that people can find devices that they have forgotten."`
}

// Later is what is sent later.
type Later struct {
	MaxDelay     Duration `default:"24 hours" doc:"How much later something can be sent. Calls need an hour at least."`
	MaxScheduled int      `default:"100" doc:"How much one person may have waiting to be sent. 0: nothing; then whoever loses the connection during a call seems to be in it for hours."`
}

// Calls are those of more than two people.
type Calls struct {
	LiveKit []string `example:"https://livekit.example.org" doc:"Addresses of services that give out tokens for a LiveKit server, which carries calls of more than two people (what Element Call names livekit_service_url). Empty: this server offers none."`
}

// Presence is whether people see who is online.
type Presence struct {
	Enabled bool `default:"false" doc:"Tell people in the same room who is online. It says a lot about a person's day, and costs work in large rooms."`
}

// Search is whether people can search what was said.
type Search struct {
	Enabled bool `default:"true" doc:"Keep an index of the words of messages, so that people find what was said in rooms that are not encrypted. Messages are stored in any case; the index adds a tenth or so to that. When it is switched off, the index is removed."`
}

// Previews is whether links are looked at for people.
type Previews struct {
	Enabled   bool     `default:"false" doc:"Let clients ask this server what is behind a link. The server then fetches pages that people here were sent; who runs such a page learns that somebody on this server saw the link, and when. Addresses inside, such as those of this machine and its network, are never asked."`
	Deny      []string `example:"*.example.org" doc:"Hosts whose pages are not fetched. A * stands for any text."`
	Allow     []string `example:"*.wikipedia.org" doc:"If there are any, only the pages of these hosts are fetched."`
	Ports     []string `default:"80, 443" doc:"Ports that pages are fetched from."`
	Proxy     string   `example:"socks5h://127.0.0.1:9050" doc:"A SOCKS5 proxy that pages are fetched through, so that nobody sees this server's address. With socks5:// names are looked up here. With socks5h:// the proxy looks them up, as Tor does; it must be one that reaches nothing inside."`
	Languages string   `default:"en" example:"de, en;q=0.5" doc:"The languages in which pages are asked for, as in Accept-Language."`
	MaxPage   Size     `default:"2 MiB" doc:"How much is read of a page at most."`
	MaxImage  Size     `default:"5 MiB" doc:"The largest picture that is shown."`
	Timeout   Duration `default:"10 seconds" doc:"How long fetching a page and its picture may take."`
	Remember  Duration `default:"1 hour" doc:"How long what was found is remembered, in memory. Addresses of pages are never written down."`
	ImageLife Duration `default:"3 days" doc:"How long pictures of pages are kept."`
}

// Notices is who speaks for the server.
type Notices struct {
	Account string `default:"notices" doc:"The name of the account that sends notices: what stands between the @ and the colon. Nobody can sign in to it."`
	Name    string `default:"Server notices" doc:"What people see as its name, and as the name of the rooms that it makes."`
}

// Bridges are application services.
type Bridges struct {
	Registrations []string `example:"/etc/plenum/bridges" doc:"Files with the registrations of bridges, which these make (registration.yaml), or folders of such files (*.yaml). They are read at the start of the server and hold secrets: nobody but the server should be able to read them."`
}

// Support is whom people can ask for help.
type Support struct {
	Page     string `example:"https://example.org/help.html" doc:"A page with help."`
	MatrixID string `example:"@ada:example.org" doc:"The account of who looks after this server."`
	Email    string `example:"ada@example.org" doc:"The e-mail address of who looks after this server."`
}

// Log is what the server says about its work.
type Log struct {
	Level  string `default:"info" doc:"debug, info, warn or error."`
	Format string `default:"text" doc:"text, or json for programs."`
}
