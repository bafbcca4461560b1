// Package engine is Lifeline's way to Temporal: a client that does not mind Temporal being down, the payload codec
// that keeps what Temporal stores unreadable to whoever reads its database, the endpoint that decrypts it for a
// supervisor, and the search attributes. The embedded server is in package embedded, so that only the standalone
// program links it.
package engine
