// Package appservice is application services: programs, bridges mostly, that
// speak for many users of this server and hear everything that concerns them.
//
// The Registry holds their registrations: whose token is whose, which users and
// aliases are kept for whom. It also asks services, where somebody looks for a
// user, an alias or a foreign network that only the service knows.
//
// The Sender tells each service what happened, in transactions. It is a
// follower of the log with a cursor for each service. A transaction is stored
// before it is sent, and sent until the service has taken it; so whatever
// happens to either side, a service hears everything, in order, at least once,
// and knows by the transaction's id what it has heard before. Nothing piles up
// while a service is away: what it missed is read from the log when it is back.
package appservice
