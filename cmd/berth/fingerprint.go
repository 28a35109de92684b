//go:build linux && cgo

package main

import (
	"context"
	"fmt"

	"berth/controller/pinned"
)

// runFingerprint prints the SHA-256 of the admin app's certificate, as berth login asks for it.
func runFingerprint(_ context.Context, p *program, args []string) error {
	flags := newFlags("fingerprint")
	settings := p.addConfigFlags(flags)
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, _, err := p.load(settings)
	if err != nil {
		return err
	}
	file, _ := config.certificateFiles()
	leaf, err := readLeaf(file)
	if err != nil {
		return fmt.Errorf("read the certificate of the admin app, which the first start makes: %w", err)
	}
	_, err = fmt.Fprintln(p.stdout, pinned.FingerprintOf(leaf))
	return err
}
