// Package filter reads the filters in which clients say what they want to
// receive, and tells what passes. A filter is compiled when it is parsed;
// afterwards it is immutable and may be shared.
//
// A matcher looks at plain fields and knows nothing of how events are stored.
// What it cannot know from the event alone (related_by_*, lazy loading of
// members) it leaves to whoever reads the events.
package filter
