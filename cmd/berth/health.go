//go:build linux && cgo

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"berth/controller/problem"
)

const healthTimeout = 4 * time.Second

// runHealth asks the server on this machine whether it answers, and proves by
// its certificate that it is the right one. It prints nothing where all is well.
func runHealth(ctx context.Context, p *program, args []string) error {
	flags := newFlags("health")
	settings := p.addConfigFlags(flags)
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, _, err := p.load(settings)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if err := probeHealth(ctx, config); err != nil {
		return problem.Unavailable("Berth is not well.", "See its log.").Because(err)
	}
	return nil
}

func probeHealth(ctx context.Context, config Config) error {
	certificateFile, _ := config.certificateFiles()
	leaf, err := readLeaf(certificateFile)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(leaf), DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+healthAddress(config.AdminListen)+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz answered %s", response.Status)
	}
	return nil
}

// healthAddress is where this machine reaches what listens on address.
func healthAddress(address netip.AddrPort) string {
	host := address.Addr()
	switch {
	case host == netip.IPv4Unspecified():
		host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case host == netip.IPv6Unspecified():
		host = netip.IPv6Loopback()
	}
	return net.JoinHostPort(host.String(), strconv.Itoa(int(address.Port())))
}

// trusting takes exactly this certificate, whoever signed it: for the name that
// stands in it, and after it has expired too, which is the browsers' business
// and no reason to restart the server.
func trusting(leaf *x509.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	name := "localhost"
	switch {
	case len(leaf.DNSNames) > 0:
		name = strings.Replace(leaf.DNSNames[0], "*", "berth", 1)
	case len(leaf.IPAddresses) > 0:
		name = leaf.IPAddresses[0].String()
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    pool,
		ServerName: name,
		Time:       func() time.Time { return leaf.NotBefore },
	}
}

func readLeaf(file string) (*x509.Certificate, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("read certificate: %s is not PEM", file)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return leaf, nil
}
