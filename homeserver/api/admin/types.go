package admin

import "maunium.net/go/mautrix/id"

const (
	base       = "/_plenum/admin/v1/"
	statusPath = base + "status"
	usersPath  = base + "users"
	tokensPath = base + "registration_tokens"
	backupPath = base + "backup"
	noticePath = base + "notices"
)

// Status says which server answers.
type Status struct {
	ServerName string `json:"server_name"`
	Version    string `json:"version"`
	PID        int    `json:"pid"`
}

// User is an account.
type User struct {
	ID          id.UserID `json:"user_id"`
	Admin       bool      `json:"admin"`
	Locked      bool      `json:"locked"`
	Suspended   bool      `json:"suspended"`
	Deactivated bool      `json:"deactivated"`
	CreatedMS   int64     `json:"created_ts"`
	Program     bool      `json:"program"` // not somebody's: of a bridge, or of the server
}

// NewNotice is what the server is to say to somebody.
type NewNotice struct {
	User id.UserID `json:"user_id"`
	Text string    `json:"text"`
}

// NewUser is an account to make.
type NewUser struct {
	Name     string `json:"name"` // before the colon, or the whole user id
	Password string `json:"password"`
	Admin    bool   `json:"admin"`
}

// NewPassword is a password to set.
type NewPassword struct {
	Password string `json:"password"`
}

// Deactivation says how an account is closed.
type Deactivation struct {
	Erase  bool `json:"erase"`  // what it has stored
	Redact bool `json:"redact"` // what it has sent
}

// Token is a registration token.
type Token struct {
	Token       string `json:"token"`
	Note        string `json:"note,omitempty"`
	UsesAllowed *int64 `json:"uses_allowed"` // nil: any number
	Used        int64  `json:"used"`
	ExpiresMS   *int64 `json:"expiry_time"` // nil: never
}

// NewToken is a registration token to make.
type NewToken struct {
	Token       string `json:"token,omitempty"` // empty: one that nobody guesses
	Note        string `json:"note,omitempty"`
	UsesAllowed *int64 `json:"uses_allowed"`
	ExpiresMS   *int64 `json:"expiry_time"`
}

type userList struct {
	Users []User `json:"users"`
}

type tokenList struct {
	Tokens []Token `json:"registration_tokens"`
}

// NewBackup says to whom a backup is encrypted.
type NewBackup struct {
	Recipients []string `json:"recipients"` // public keys of age
}

// Backup says what is in a backup.
type Backup struct {
	ServerName string `json:"server_name"`
	MadeMS     int64  `json:"made_ts"`
	Engine     string `json:"engine"`
	Accounts   int64  `json:"accounts"`
	Events     int64  `json:"events"`
	Files      int64  `json:"files"`
	Bytes      int64  `json:"bytes"`   // of the files
	Deleted    int64  `json:"deleted"` // files that were deleted while it was made
	Lost       int64  `json:"lost"`    // files that are not on the disk or cannot be read
}
