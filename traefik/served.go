package traefik

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"
)

const servedTimeout = 5 * time.Second

// WebsecureAddress is the proxy's HTTPS address on the stack's own network.
func (o StaticOptions) WebsecureAddress() string {
	return net.JoinHostPort(o.ProxyAddress.String(), strconv.Itoa(WebsecurePort))
}

// Served returns the certificate chain that the proxy at address shows for host. It makes
// only a handshake, and does not verify the chain.
func Served(ctx context.Context, address string, host Host) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, servedTimeout)
	defer cancel()
	connection, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("ask proxy for certificate of %s: %w", host, err)
	}
	defer func() { _ = connection.Close() }()
	client := tls.Client(connection, &tls.Config{
		ServerName: string(host), MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // what is served is to be seen, good or not; nothing is sent
	})
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("ask proxy for certificate of %s: %w", host, err)
	}
	return client.ConnectionState().PeerCertificates, nil
}

// IsFallback reports whether the certificate is Berth's own, for hosts without a
// certificate.
func IsFallback(certificate *x509.Certificate) bool {
	return certificate != nil && slices.Contains(certificate.DNSNames, "fallback."+verifyDomain)
}
