// Package outward connects to places in the internet whose names came from
// strangers: push gateways, pages that people link to, other servers.
//
// A stranger's name may lead inside: to this machine, to its neighbours, to the
// metadata service of a cloud. It may also be clean when it is looked at and
// lead inside a moment later, by a redirect or by another answer of its name
// server. So the address is judged when it is connected to, and nowhere else.
package outward
