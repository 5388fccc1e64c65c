// Package devicekeys is all SQL about the public keys of devices and users.
package devicekeys
