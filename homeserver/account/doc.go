// Package account is who may use this server: opening accounts, signing in and
// out, devices and tokens, passwords, profiles, and closing accounts.
//
// A device is one session. Its access token is looked up in memory on every
// request (Authenticate); everything else here is rare, and goes to the
// database. What a change has to cause elsewhere, such as member events after
// a new display name, is stored with the change as a task, and done by Run,
// after a crash too.
//
// No addresses of people, user agents or tokens are stored or logged here.
package account
