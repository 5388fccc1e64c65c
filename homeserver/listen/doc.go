// Package listen puts handlers on addresses: plain HTTP, HTTPS with a
// certificate from files, from an authority on the internet by ACME, or signed
// by an authority of a test. It waits long for whoever waits for news, and not
// for whoever is slow on purpose, and it stops without cutting anybody off
// who can be answered in time.
package listen
