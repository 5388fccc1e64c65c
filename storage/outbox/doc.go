// Package outbox is all SQL about what waits for other servers.
package outbox
