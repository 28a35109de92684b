package link

import "net/netip"

// ExitCommand is the command of our own program that the exit of closed networks runs.
const ExitCommand = "egress-proxy"

// ExitArguments stand behind it. Nothing reaches the pool through the exit; private lets
// lists name private addresses outside it.
func ExitArguments(pool netip.Prefix, private bool) []string {
	line := []string{"--pool", pool.Masked().String()}
	if private {
		line = append(line, "--private")
	}
	return line
}
