//go:build integration

package traefik

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"berth/test/patience"
)

// protectedBody is what the protected app answers with, and nobody may see.
const protectedBody = "the-protected-body"

// pair is a public app and a protected one that people try to reach through it.
type pair struct {
	public, protected string // routes
	hosts, paths      []string
	encoded           [2]EncodedPaths // of the public and of the protected app
}

func pairs() map[string]pair {
	all := map[string]pair{
		"path below the public one": {public: "/pub", protected: "/pub/private", hosts: []string{"x", "pub.example"}, paths: []string{"/pub/private", "/pub", "/private"}},
		"path beside the root":      {public: "/", protected: "/private", hosts: []string{"x", "10.0.0.1"}, paths: []string{"/private", "/"}},
		"host beside the root":      {public: "/", protected: "secret.example", hosts: []string{"secret.example", "x"}, paths: []string{"/", "/private"}},
		"host beside a host":        {public: "pub.example", protected: "secret.example", hosts: []string{"secret.example", "pub.example"}, paths: []string{"/", "/a"}},
		"path on a host":            {public: "pub.example", protected: "pub.example/private", hosts: []string{"pub.example"}, paths: []string{"/private", "/private/a", "/"}},
		"path on a host below any":  {public: "/", protected: "pub.example/private", hosts: []string{"pub.example", "x"}, paths: []string{"/private", "/private/a"}},
	}
	for name, which := range maps.Clone(all) {
		which.encoded = [2]EncodedPaths{EncodedSlash, EncodedNone}
		all[name+", public takes encoded slashes"] = which
		which.encoded = [2]EncodedPaths{EncodedNone, EncodedSlash}
		all[name+", protected takes encoded slashes"] = which
	}
	return all
}

// twist makes another spelling of a path.
func twist(random *rand.Rand, path string) string {
	pieces := []string{
		"/..", "/%2e%2e", "/%2E%2e", "/.%2e", "/.", "/%2e", "//", "/%2f", "/%2F", "%2f", "\\", "/\\", "%5c", "%5C", ";", "/;", ";/", ";x=y", "/..;", "/..;/",
		"%3b", "/%c0%af", "/%c0%ae%c0%ae", "/%e0%80%af", "/%252f", "/%252e%252e", "%00", "%20", "%09", "/%ef%bc%8f", "?", "?/", "#", "%23", "%3f", "/pub", "/private",
		"/x", "/..%00/", "/...", "~", "*", ":", "@", "/%70rivate", "/PRIVATE", "/Private", "/%2570rivate", "%", "%zz", "\x01", "\xff",
	}
	for range 1 + random.IntN(4) {
		switch piece := pieces[random.IntN(len(pieces))]; random.IntN(4) {
		case 0:
			path = piece + path
		case 1:
			path += piece
		case 2:
			at := random.IntN(len(path) + 1)
			path = path[:at] + piece + path[at:]
		default:
			path = spell(random, path)
		}
	}
	return path
}

// spell writes some characters in another case, or encoded.
func spell(random *rand.Rand, text string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		switch random.IntN(6) {
		case 0:
			fmt.Fprintf(&out, "%%%02x", c)
		case 1:
			out.WriteString(strings.ToUpper(string(rune(c))))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func twistHost(random *rand.Rand, host string) string {
	forms := []string{
		host, strings.ToUpper(host), host + ".", host + ":80", host + ":8000", host + ".:80", host + "..", "." + host, host + "%00", host + " ", "\t" + host,
		"a@" + host, host + ":", host + ":x", host + ",x", "x," + host, "[" + host + "]", host + "/", host + "#", "", "*", host + "\\x", "http://" + host,
	}
	return forms[random.IntN(len(forms))]
}

// hostileRequest is one request of HTTP/1 without credentials.
func hostileRequest(random *rand.Rand, p pair) string {
	host, path := p.hosts[random.IntN(len(p.hosts))], p.paths[random.IntN(len(p.paths))]
	if random.IntN(8) > 0 {
		path = twist(random, path)
	}
	target := path
	switch random.IntN(6) {
	case 0:
		target = "http://" + twistHost(random, host) + path
	case 1:
		target = "HTTP://" + host + path
	case 2:
		target = "//" + host + path
	}
	methods := []string{"GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "PROPFIND", "get", "CONNECT"}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s HTTP/1.%d\r\n", methods[random.IntN(len(methods))], target, 1-random.IntN(10)/9)
	for range 1 + random.IntN(5)/4 {
		fmt.Fprintf(&out, "%s: %s\r\n", []string{"Host", "host", "HOST", "Host "}[random.IntN(31)/10], twistHost(random, p.hosts[random.IntN(len(p.hosts))]))
	}
	extras := []string{
		"X-Forwarded-Host: " + host, "X-Original-Url: " + path, "X-Rewrite-Url: " + path, "X-Forwarded-Prefix: /private", "X-Http-Method-Override: GET",
		"Authorization: Basic", "Authorization: Basic Og==", "Authorization: Basic YW5uOg==", "Authorization: Bearer x", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-User: ann",
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Expect: 100-continue", "X-Remote-User: ann",
		"Connection: Authorization", "Proxy-Authorization: Basic YW5uOmE=",
	}
	for range random.IntN(3) {
		out.WriteString(extras[random.IntN(len(extras))] + "\r\n")
	}
	out.WriteString("Connection: close\r\n\r\n")
	if random.IntN(8) == 0 { // a request behind the first: smuggled, or only the next
		fmt.Fprintf(&out, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", p.paths[0], p.hosts[0])
	}
	return out.String()
}

// startPair publishes the two apps and returns how to reach the protected one.
func startPair(t *testing.T, p *proxy, which pair) {
	t.Helper()
	public := target(t, "public", backend(t, "public"), which.public)
	protected := protect(t, target(t, "protected", serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Body", protectedBody)
		fmt.Fprint(w, protectedBody)
	})), which.protected))
	public.Access.EncodedPaths, protected.Access.EncodedPaths = which.encoded[0], which.encoded[1]
	p.publishTable(Table{Targets: []Target{public, protected}})
	route := protected.Routes[0]
	reach := func(change func(*http.Request)) answer {
		return send(t, http.MethodGet, string(route.Path), nil, func(r *http.Request) {
			r.Host = string(route.Host)
			if change != nil {
				change(r)
			}
		})
	}
	if got := reach(asAnn); got.body != protectedBody {
		t.Fatalf("with the password: %+v", got)
	}
	if got := reach(nil); got.status != http.StatusUnauthorized {
		t.Fatalf("without the password: %+v", got)
	}
}

func TestConfusion_NoSpellingShowsTheProtectedBody(t *testing.T) {
	p := startProxy(t)
	const rounds, workers = 800, 4
	for name, which := range pairs() {
		t.Run(name, func(t *testing.T) {
			startPair(t, p, which)
			var group sync.WaitGroup
			var mutex sync.Mutex
			statuses := make(map[string]int)
			for worker := range workers {
				group.Go(func() {
					random := rand.New(rand.NewPCG(uint64(worker), uint64(len(name))))
					for range rounds / workers {
						request := hostileRequest(random, which)
						answer := rawQuick(request)
						if strings.Contains(answer, protectedBody) {
							t.Errorf("seen by %q: %.300s", request, answer)
						}
						mutex.Lock()
						statuses[strings.Join(strings.Fields(answer + " -")[:1], "")+" "+field(answer, 1)]++
						mutex.Unlock()
					}
				})
			}
			group.Wait()
			t.Log(statuses)
		})
	}
}

func field(text string, index int) string {
	fields := strings.Fields(text)
	if len(fields) <= index {
		return "none"
	}
	return fields[index]
}

// rawQuick is raw for a request that may be answered with nothing.
func rawQuick(request string) string {
	connection, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", testAddress, WebPort), patience.Of(2*time.Second))
	if err != nil {
		return ""
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(300 * time.Millisecond))
	_, _ = io.WriteString(connection, request)
	answer, _ := io.ReadAll(io.LimitReader(connection, 1<<20))
	return string(answer)
}

func TestConfusion_NoHTTP2RequestShowsTheProtectedBody(t *testing.T) {
	p := startProxy(t)
	const rounds = 300
	for name, which := range pairs() {
		t.Run(name, func(t *testing.T) {
			startPair(t, p, which)
			random := rand.New(rand.NewPCG(7, uint64(len(name))))
			statuses := make(map[string]int)
			for range rounds {
				host, path := which.hosts[random.IntN(len(which.hosts))], which.paths[random.IntN(len(which.paths))]
				fields := []hpack.HeaderField{
					{Name: ":method", Value: []string{"GET", "POST", "HEAD", "CONNECT"}[random.IntN(31)/10]},
					{Name: ":scheme", Value: []string{"https", "http", "file"}[random.IntN(21)/10]},
					{Name: ":authority", Value: twistHost(random, host)},
					{Name: ":path", Value: twist(random, path)},
				}
				if random.IntN(3) == 0 {
					fields = append(fields, hpack.HeaderField{Name: "host", Value: twistHost(random, host)})
				}
				if random.IntN(6) == 0 {
					fields = append(fields, hpack.HeaderField{Name: ":authority", Value: host})
				}
				status, body := askHTTP2(t, fields)
				if strings.Contains(body, protectedBody) {
					t.Errorf("seen by %v", fields)
				}
				statuses[status]++
			}
			t.Log(statuses)
		})
	}
}

// askHTTP2 sends one request of these fields, whatever the standard says of them.
func askHTTP2(t *testing.T, fields []hpack.HeaderField) (status, body string) {
	t.Helper()
	connection, err := tls.DialWithDialer(&net.Dialer{Timeout: patience.Of(2 * time.Second)}, "tcp", fmt.Sprintf("%s:%d", testAddress, WebsecurePort),
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Second))
	var block, seen bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		_ = encoder.WriteField(field)
	}
	_, _ = io.WriteString(connection, http2.ClientPreface)
	framer := http2.NewFramer(connection, connection)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	status = "none"
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return status, seen.String()
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			status = frame.PseudoValue("status")
			for _, field := range frame.Fields {
				seen.WriteString(field.Value + "\n")
			}
			if frame.StreamEnded() {
				return status, seen.String()
			}
		case *http2.DataFrame:
			seen.Write(frame.Data())
			if frame.StreamEnded() {
				return status, seen.String()
			}
		case *http2.RSTStreamFrame:
			return "reset", seen.String()
		case *http2.GoAwayFrame:
			return "gone", seen.String()
		}
	}
}
