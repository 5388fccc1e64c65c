// Package arch holds tests of the shape of the whole project: which package
// may import which, where SQL may be, and what is not done anywhere. There is
// nothing in it to use.
package arch
