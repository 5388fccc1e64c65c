// Package accounts is all SQL about accounts: who there is, with which
// devices, tokens and profile, and what is still to be done after a change.
//
// What every request asks for, who a token speaks for and what a profile
// says, is answered from memory. An account is held there as a whole and
// dropped as a whole by the commit that changes it, so that memory is never
// behind the database.
//
// Tokens are stored as hashes only.
package accounts
