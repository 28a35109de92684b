package main

import (
	"fmt"
	"io"
	"net"
)

// Where the mode "lines" listens beside HTTP.
const (
	linesAddress     = ":2222"  // TCP: greets with the version, as SSH does, and repeats what it hears
	datagramsAddress = ":25565" // UDP: answers each datagram with the version
)

// speakLines listens before it returns, so that the app answers once it answers HTTP.
func speakLines(version string) error {
	listener, err := net.Listen("tcp", linesAddress)
	if err != nil {
		return err
	}
	socket, err := net.ListenPacket("udp", datagramsAddress)
	if err != nil {
		return err
	}
	go acceptLines(listener, version)
	go answerDatagrams(socket, version)
	return nil
}

func acceptLines(listener net.Listener, version string) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer connection.Close()
			fmt.Fprintf(connection, "lines %s\n", version)
			_, _ = io.Copy(connection, connection)
		}()
	}
}

func answerDatagrams(socket net.PacketConn, version string) {
	buffer := make([]byte, 1500)
	for {
		_, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(packetTo{socket, from}, "lines %s", version)
	}
}

// packetTo writes datagrams to one address.
type packetTo struct {
	socket net.PacketConn
	to     net.Addr
}

func (p packetTo) Write(content []byte) (int, error) { return p.socket.WriteTo(content, p.to) }
