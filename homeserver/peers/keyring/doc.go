// Package keyring knows the keys that servers sign with: its own, which it
// publishes, and those of others, which it asks them for.
//
// What was fetched is kept in the database, since events outlive the servers
// that have signed them, and in memory. A key is good for what was signed
// until a time: as long as its server says, and never longer than a week after
// it was asked, so that a stolen key can be taken back. Other servers are
// asked about others' keys (notaries) only when the settings name them.
package keyring
