// Package web is the few pages that the server shows to people. They are plain
// HTML without scripts, load nothing from anywhere, and speak the language of
// the browser if it is among ours.
package web
