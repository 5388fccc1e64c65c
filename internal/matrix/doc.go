// Package matrix holds the few words that every floor of Plenum shares: the
// error that reaches clients, the position in the log, and who is asking.
package matrix
