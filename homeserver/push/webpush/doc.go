// Package webpush writes messages to browsers and phones that only these can
// read: the push servers in between, which belong to the companies behind
// browsers and phones, see when a message comes and about how long it is.
//
// It is RFC 8030 (the request), RFC 8291 (its encryption) and RFC 8292 (who
// asks, VAPID), as far as the sender of messages has to do with them.
package webpush
