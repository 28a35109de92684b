// Package traefik turns routes into the labels, the dynamic and the static configuration that the proxy runs on.
//
// There is one path: a Target becomes labels, labels decode into a Configuration, and the
// Publisher writes the Configuration as one file. The result is the same for a target
// from the ledger and for labels from a container. The Client asks the proxy whether it
// runs the file, and reaches instances that are not public yet through the proxy.
package traefik
