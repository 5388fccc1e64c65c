//go:build !race

package homeserver_test

// oneIn is how many of the hostile inputs are sent: all of them.
const oneIn = 1
