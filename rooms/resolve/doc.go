// Package resolve decides which state a room has where its history forked:
// state resolution 1, 2 and 2.1.
//
// A Graph is an index of a room's state events by the edges of their auth
// events. It holds small integers and no events, so that a question about auth
// chains costs what the answer is long, not what the room is large. Events
// themselves come from a Source, and only those that are in conflict are read.
//
// The first use of a Graph loads the room's state and its auth chains; from
// then on every new state event is added, and Resolve is told what differs:
//
//	g := resolve.NewGraph(rules, log)
//	err := g.Load(ctx, stateEvents...)
//	…
//	err = g.Add(event)
//	resolved, err := g.Resolve(ctx, agreed, conflicts)
package resolve
