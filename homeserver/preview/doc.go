// Package preview shows what is behind a link: the title, a few words and a
// picture of a page, which the server fetches so that the people who read the
// link do not have to.
//
// Whoever is fetched from learns that somebody on this server has seen the
// link, and nothing else: no name, no address but the server's, no cookie, no
// page that was seen before. Addresses come from strangers, so that
// connections are made by package outward, which leads nowhere inside. What was
// fetched is remembered in memory only, and for a while; pictures are stored
// without their metadata and deleted after some days. No address of a page is
// ever written to the disk or to the log.
//
// Pages are read with the tokenizer of golang.org/x/net/html. The libraries for
// OpenGraph that are around fetch pages themselves, or build a tree of a whole
// page to find a dozen tags in its head.
package preview
