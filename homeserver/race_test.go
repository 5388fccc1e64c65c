//go:build race

package homeserver_test

// oneIn is how many of the hostile inputs are sent: the race detector makes
// the server ten times as slow, and looks for something else than they do.
const oneIn = 6
