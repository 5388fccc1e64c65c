// Package todevice carries messages from device to device: each reaches the
// device it is for once, in the order in which the server accepted them, and
// is gone from the server when the device has shown that it arrived.
//
// What waits for a device is bounded: where a device stays away for so long
// that more than Options.MaxWaiting messages pile up, the oldest are dropped.
// They are requests for keys, mostly, that nobody waits for any more; a device
// that misses one asks again.
package todevice
