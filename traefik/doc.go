// Package traefik turns routes into the labels, the dynamic and the static configuration that the proxy runs on.
//
// There is one path: a Target becomes labels, labels decode into a Configuration,
// and the Publisher writes that as one file. It does not matter whether a target
// comes from the ledger or the labels come from a container. The Client asks the
// proxy whether it has taken the file, and reaches instances that are not public
// yet through the proxy itself.
package traefik
