// Package e2ee holds the public side of end-to-end encryption: the keys of
// devices and users, the signatures between them, and the news of who has
// changed theirs. What is encrypted with these keys the server cannot read.
//
// A one-time key is given out once: claims run in the log's writer, one after
// the other. What clients ask again and again (keys of the people they talk
// to, whether somebody's devices changed) is answered from memory.
package e2ee
