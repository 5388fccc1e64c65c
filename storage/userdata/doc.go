// Package userdata is all SQL about what users keep on the server for
// themselves: account data, filters, receipts; and about their pushers and
// what is to be pushed.
package userdata
