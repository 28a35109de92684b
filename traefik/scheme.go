package traefik

import "fmt"

// Scheme is what the proxy speaks with an app.
type Scheme string

// The schemes. WebSocket and Server-Sent Events need no other than SchemeHTTP.
const (
	SchemeHTTP Scheme = ""    // HTTP/1.1
	SchemeH2C  Scheme = "h2c" // HTTP/2 without TLS, as gRPC servers speak it
)

const schemeHTTPWord = "http"

// ParseScheme reads a scheme; empty is http.
func ParseScheme(text string) (Scheme, error) {
	switch text {
	case "", schemeHTTPWord:
		return SchemeHTTP, nil
	case string(SchemeH2C):
		return SchemeH2C, nil
	}
	return "", fmt.Errorf("%.20q is not http or h2c", text)
}

// String returns the scheme of an address of the app.
func (s Scheme) String() string {
	if s == SchemeHTTP {
		return schemeHTTPWord
	}
	return string(s)
}

func (s Scheme) check() error {
	if parsed, err := ParseScheme(string(s)); err != nil || parsed != s {
		return fmt.Errorf("scheme %.20q is not one of Berth's", string(s))
	}
	return nil
}
