package main

import (
	"net"
	"testing"
)

func TestDial_NamesBelowLocalhostAreThisMachine(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"berth.localhost", "Berth.Localhost.", "127.0.0.1"} {
		connection, err := dial(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		_ = connection.Close()
	}
	if connection, err := dial(t.Context(), "tcp", net.JoinHostPort("notlocalhost.invalid", port)); err == nil {
		_ = connection.Close()
		t.Error("another name is this machine")
	}
}
