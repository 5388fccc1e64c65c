// Package run runs the parts of a process: whatever lives as long as it does
// is a named function that returns when its context ends. They start in
// order, the first to fail stops all, and they stop in reverse order, so that
// a part outlives those that use it.
package run
