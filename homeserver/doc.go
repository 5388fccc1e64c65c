// Package homeserver puts the parts together: New is the only place where they
// meet, and Run is how they live and stop.
//
// Everything is constructed in one direction, from the database upwards, so
// reading parts.go from top to bottom tells what builds on what. What runs
// does so under one group and stops in reverse order: first nobody new is let
// in and everybody waiting is answered, last the database is closed.
package homeserver
