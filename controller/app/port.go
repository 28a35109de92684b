package app

import (
	"fmt"
	"strconv"
	"strings"

	"berth/controller/problem"
)

// ParsePort returns s as the port that an app listens on; empty is 0, which
// lets the image decide.
func ParsePort(s string) (uint16, error) {
	if s = strings.TrimSpace(s); s == "" {
		return 0, nil
	}
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil || port == 0 {
		return 0, problem.Invalid(
			fmt.Sprintf("%.20q is not a port.", s),
			"Give a number from 1 to 65535, or leave the field empty to take the port that the image exposes.",
		).At("port")
	}
	return uint16(port), nil
}
