// Package search stores the pages of the index by which messages are found. What
// stands in them is known to homeserver/search/index.
package search
