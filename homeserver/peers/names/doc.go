// Package names finds out where the server with a name is reached: at an
// address in the name itself, at one that its web server delegates to, at one
// that the domain name system names, or at port 8448.
//
// Whatever is found is kept for a while, and so is that nothing was found. How
// much is kept is bounded, because strangers choose the names.
package names
