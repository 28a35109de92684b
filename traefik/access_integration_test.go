//go:build integration

package traefik

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"berth/test/patience"
)

const testPassword = "four-Loud.geese-8"

func testUser(t testing.TB, name string) User {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(testPassword), PasswordCost)
	if err != nil {
		t.Fatal(err)
	}
	return User{Name: name, Hash: string(hash)}
}

func protect(t testing.TB, target Target) Target {
	t.Helper()
	target.Access = Access{Password: true, Users: []User{testUser(t, "ann")}, Rate: Rate{Requests: MaxRate, Period: time.Second, Burst: MaxRate}}
	return target
}

// send asks web with a request of the test's making.
func send(t *testing.T, method, path string, body io.Reader, change func(*http.Request)) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://%s:%d%s", testAddress, WebPort, path), body)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request)
	}
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, _ := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	return answer{response.StatusCode, string(read), response.Header}
}

func asAnn(r *http.Request) { r.SetBasicAuth("ann", testPassword) }

func TestAccessProxy_AsksForThePasswordAndKeepsItFromTheApp(t *testing.T) {
	p := startProxy(t)
	app := protect(t, target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "secret body, authorization=%q", r.Header.Get("Authorization"))
	})), "/app"))
	p.publishTable(Table{Targets: []Target{app}})
	for name, change := range map[string]func(*http.Request){
		"nobody":         nil,
		"wrong password": func(r *http.Request) { r.SetBasicAuth("ann", "wrong") },
		"wrong name":     func(r *http.Request) { r.SetBasicAuth("bob", testPassword) },
		"hash":           func(r *http.Request) { r.SetBasicAuth("ann", app.Access.Users[0].Hash) },
		"bearer":         func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+testPassword) },
	} {
		if got := send(t, http.MethodGet, "/app", nil, change); got.status != http.StatusUnauthorized || strings.Contains(got.body, "secret") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := send(t, http.MethodGet, "/app", nil, asAnn); got.status != http.StatusOK || got.body != `secret body, authorization=""` {
		t.Errorf("ann: %+v", got)
	}
	began := time.Now()
	const rounds = 20
	for range rounds {
		send(t, http.MethodGet, "/app", nil, asAnn)
	}
	t.Logf("a request with a password takes %v", time.Since(began)/rounds)

	app.Access.Users = nil
	p.publishTable(Table{Targets: []Target{app}})
	if got := send(t, http.MethodGet, "/app", nil, asAnn); got.status != http.StatusNotFound {
		t.Errorf("closed: %+v", got)
	}
}

func TestAccessProxy_NoRequestGetsPastAProtectionThatIsConfirmed(t *testing.T) {
	p := startProxy(t)
	open := target(t, "app", backend(t, "secret"), "/app", "a.example")
	closed := protect(t, open)
	var (
		protected atomic.Bool
		leaks     atomic.Int64
		asked     [2]atomic.Int64
		others    atomic.Int64
		group     sync.WaitGroup
	)
	p.publishTable(Table{Targets: []Target{open}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := &http.Client{Timeout: patience.Of(10 * time.Second)} // with connections that stay
	for worker := range 6 {
		group.Go(func() {
			for ctx.Err() == nil {
				address := fmt.Sprintf("http://%s:%d/app", testAddress, WebPort)
				request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
				if worker%2 == 1 {
					request.Host = "a.example"
				}
				before := protected.Load()
				response, err := client.Do(request)
				if err != nil {
					others.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				switch response.StatusCode {
				case http.StatusOK:
					asked[0].Add(1)
					if before { // sent after the confirmation, and no opening was begun since
						leaks.Add(1)
					}
				case http.StatusUnauthorized:
					asked[1].Add(1)
				default:
					others.Add(1)
				}
			}
		})
	}
	for range 25 {
		p.publishTable(Table{Targets: []Target{closed}})
		protected.Store(true)
		time.Sleep(60 * time.Millisecond)
		protected.Store(false)
		time.Sleep(30 * time.Millisecond) // those under way that read it
		closed.Release++
		p.publishTable(Table{Targets: []Target{closed}}) // a new release changes nothing of it
		open.Release = closed.Release
		p.publishTable(Table{Targets: []Target{open}})
	}
	cancel()
	group.Wait()
	t.Logf("%d answers without, %d with protection", asked[0].Load(), asked[1].Load())
	if leaks.Load() > 0 || others.Load() > 0 || asked[0].Load() == 0 || asked[1].Load() == 0 {
		t.Errorf("%d leaks, %d other answers", leaks.Load(), others.Load())
	}
}

func TestAccessProxy_NewReleaseOfAProtectedAppIsNeverOpen(t *testing.T) {
	p := startProxy(t)
	app := protect(t, target(t, "app", backend(t, "secret"), "/app"))
	p.publishTable(Table{Targets: []Target{app}})
	ctx, cancel := context.WithCancel(t.Context())
	var open atomic.Int64
	var group sync.WaitGroup
	client := &http.Client{Timeout: patience.Of(10 * time.Second)}
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				response, err := client.Get(fmt.Sprintf("http://%s:%d/app", testAddress, WebPort))
				if err == nil {
					_ = response.Body.Close()
					if response.StatusCode != http.StatusUnauthorized {
						open.Add(1)
					}
				}
			}
		})
	}
	for round := range 30 {
		app.Release++
		if round%3 == 0 {
			app.Access.Users = []User{testUser(t, fmt.Sprintf("user-%d", round))}
		}
		p.publishTable(Table{Targets: []Target{app}})
	}
	cancel()
	group.Wait()
	if open.Load() > 0 {
		t.Errorf("%d answers that were no 401", open.Load())
	}
}

func TestAccessProxy_AllowListIsDeafToForgedHeaders(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "secret"), "/app")
	app.Access.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}
	p.publishTable(Table{Targets: []Target{app}})
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "x-forwarded-for"} {
		for _, value := range []string{"192.0.2.7", "192.0.2.7, 192.0.2.7", "for=192.0.2.7", testGateway + ", 192.0.2.7"} {
			got := send(t, http.MethodGet, "/app", nil, func(r *http.Request) { r.Header[name] = []string{value} })
			if got.status != http.StatusForbidden {
				t.Errorf("%s: %s: %+v", name, value, got)
			}
		}
	}
	app.Access.Allow = append(app.Access.Allow, netip.MustParsePrefix(testGateway+"/32"))
	p.publishTable(Table{Targets: []Target{app}})
	if got := send(t, http.MethodGet, "/app", nil, nil); got.status != http.StatusOK {
		t.Errorf("an allowed address: %+v", got)
	}
}

func TestAccessProxy_RateIsOfEachClientWhateverItsHeadersSay(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "hello"), "/app")
	app.Access.Rate = Rate{Requests: 1, Period: time.Minute, Burst: 5}
	p.publishTable(Table{Targets: []Target{app}})
	count := func(dialer *net.Dialer) map[int]int {
		statuses := make(map[int]int)
		client := &http.Client{Timeout: patience.Of(10 * time.Second), Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
		for i := range 12 {
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s:%d/app", testAddress, WebPort), http.NoBody)
			request.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			statuses[response.StatusCode]++
			if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "" {
				t.Error("a 429 without Retry-After")
			}
		}
		return statuses
	}
	if got := count(new(net.Dialer)); got[200] != 5 || got[429] != 7 {
		t.Errorf("first client: %v", got)
	}
	second := secondAddress(t)
	if got := count(&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(second)}}); got[200] != 5 || got[429] != 7 {
		t.Errorf("second client: %v", got)
	}
}

func run(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, output)
	}
}

// secondAddress gives this machine another address on the proxy's network.
func secondAddress(t *testing.T) string {
	t.Helper()
	address := netip.MustParseAddr(testGateway)
	for range 20 {
		address = address.Next()
	}
	bridge := "br-" + docker(t, "network", "inspect", "--format", "{{.Id}}", testStack+"-0-edge")[:12]
	run(t, "ip", "address", "add", address.String()+"/27", "dev", bridge)
	return address.String()
}

func TestAccessProxy_BodiesOverTheLimitAreRefusedHoweverTheyCome(t *testing.T) {
	p := startProxy(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "read %d %v", count, err)
	})
	limited, free := target(t, "limited", serve(t, handler), "/limited"), target(t, "free", serve(t, handler), "/free")
	limited.Access.MaxBodyBytes = 2 << 20
	p.publishTable(Table{Targets: []Target{limited, free}})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "PROPFIND"} {
		for size, want := range map[int]int{100: 200, 1 << 20: 200, 2<<20 - 1: 200, 2 << 20: 200, 2<<20 + 1: 413, 5 << 20: 413} {
			for _, chunked := range []bool{false, true} {
				status, body := upload(t, method, "/limited", size, chunked)
				if status != want || want == 200 && body != fmt.Sprintf("read %d <nil>", size) {
					t.Errorf("%s of %d, in chunks %t: %d %.100s", method, size, chunked, status, body)
				}
			}
		}
	}
	if status, body := upload(t, http.MethodGet, "/limited", 3<<20, false); status != 413 {
		t.Errorf("GET with a body: %d %.100s", status, body)
	}
	for _, chunked := range []bool{false, true} {
		if status, body := upload(t, http.MethodPost, "/free", 40<<20, chunked); status != 200 || body != fmt.Sprintf("read %d <nil>", 40<<20) {
			t.Errorf("an app without the rule: %d %.100s", status, body)
		}
	}
}

func TestAccessProxy_ManyBodiesAtOnceStopNothingElse(t *testing.T) {
	p := startProxy(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	limited, free := target(t, "limited", serve(t, handler), "/limited"), target(t, "free", serve(t, handler), "/free")
	limited.Access.MaxBodyBytes = MaxBodyLimit
	p.publishTable(Table{Targets: []Target{limited, free}})
	var statuses sync.Map
	var group sync.WaitGroup
	for i := range 8 { // 240 MB for a folder of 128
		group.Go(func() {
			status, _ := upload(t, http.MethodPost, "/limited", 30<<20, i%2 == 0)
			statuses.Store(i, status)
		})
	}
	for range 20 {
		if got := send(t, http.MethodGet, "/free", nil, nil); got.status != http.StatusOK {
			t.Errorf("another app: %+v", got)
		}
		time.Sleep(20 * time.Millisecond)
	}
	group.Wait()
	statuses.Range(func(_, status any) bool {
		if status != 200 && status != 500 {
			t.Errorf("status %v", status)
		}
		return true
	})
	// The proxy lets go of a file that did not fit only when its memory is swept,
	// which is every two minutes where nothing else happens.
	began, status := time.Now(), 0
	for status != 200 && time.Since(began) < patience.Of(150*time.Second) {
		status, _ = upload(t, http.MethodPost, "/limited", 30<<20, true)
		time.Sleep(time.Second)
	}
	t.Logf("%d again after %v", status, time.Since(began))
	if status != 200 {
		t.Errorf("afterwards: %d", status)
	}
	if restarts := docker(t, "inspect", "--format", "{{.RestartCount}} {{.State.OOMKilled}} {{.State.Running}}", p.name); restarts != "0 false true" {
		t.Errorf("the proxy: %s", restarts)
	}
}

// upload sends a body of that size and reads the answer meanwhile: a refusal comes
// before the end of the body.
func upload(t *testing.T, method, path string, size int, chunked bool) (status int, body string) {
	t.Helper()
	connection, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", testAddress, WebPort), patience.Of(time.Second))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience.Of(30 * time.Second)))
	go func() {
		length := fmt.Sprintf("Content-Length: %d", size)
		if chunked {
			length = "Transfer-Encoding: chunked"
		}
		fmt.Fprintf(connection, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n", method, path, length)
		piece := make([]byte, 64<<10)
		for left := size; left > 0; left -= len(piece) {
			piece = piece[:min(len(piece), left)]
			if chunked {
				fmt.Fprintf(connection, "%x\r\n%s\r\n", len(piece), piece)
			} else if _, err := connection.Write(piece); err != nil {
				return
			}
		}
		if chunked {
			fmt.Fprint(connection, "0\r\n\r\n")
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Errorf("%s %s of %d: %v", method, path, size, err)
		return 0, ""
	}
	defer response.Body.Close()
	read, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(read)
}

func TestAccessProxy_LimitOfBodiesLeavesStreamsAndDownloadsAlone(t *testing.T) {
	p := startProxy(t)
	const large = 40 << 20
	app := target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			_, _ = w.Write(make([]byte, large))
			return
		}
		streamOrUpgrade(w, r)
	})), "/app")
	app.Access.MaxBodyBytes = 1 << 20
	p.publishTable(Table{Targets: []Target{app}})
	if got := send(t, http.MethodGet, "/app/large", nil, nil); got.status != 200 || len(got.body) != large {
		t.Errorf("a download: %d, %d bytes", got.status, len(got.body))
	}
	response, err := direct.Get("http://" + testAddress + ":8000/app/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, make([]byte, len("data: 1\n\n"))); err != nil {
		t.Errorf("the first event waits for the last: %v", err)
	}
	connection, err := net.DialTimeout("tcp", testAddress+":8000", patience.Of(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience.Of(5 * time.Second)))
	fmt.Fprintf(connection, "GET /app/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 101") {
		t.Errorf("a web socket: %q, %v", line, err)
	}
}

func TestAccessProxy_HeadersReplaceThoseOfTheAppAndStandOnRefusalsToo(t *testing.T) {
	p := startProxy(t)
	app := protect(t, target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Frame-Options", "ALLOWALL")
		w.Header().Set("Referrer-Policy", "unsafe-url")
	})), "/app"))
	app.Access.Headers = ResponseHeaders{FrameOptions: "DENY", ContentSecurityPolicy: "default-src 'self'; img-src *", PermissionsPolicy: "camera=(), geolocation=(self)", NoSniff: true}
	p.publishTable(Table{Targets: []Target{app}})
	for _, change := range []func(*http.Request){asAnn, nil} {
		got := send(t, http.MethodGet, "/app", nil, change).header
		for name, want := range app.Access.Headers.values() {
			if !slices.Equal(got.Values(name), []string{want}) {
				t.Errorf("%s: %q", name, got.Values(name))
			}
		}
	}
	if got := send(t, http.MethodGet, "/app", nil, asAnn).header.Get("Referrer-Policy"); got != "unsafe-url" {
		t.Errorf("what is not set is not the app's own: %q", got)
	}
}

func TestAccessProxy_MaintenanceIsShownWithoutTheApp(t *testing.T) {
	p := startProxy(t)
	pages := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "%q %s", DecodeMaintenance(r.Header.Get(PageHeader)), r.Header.Values(PageHeader))
	}))
	app := target(t, "app", net.JoinHostPort(testGateway, "1"), "/app")
	app.Access.Maintenance = Maintenance{On: true, Text: "Zurück um 14:00 {{ env `PATH` }} <b>"}
	p.publishTable(Table{Targets: []Target{app}, Pages: pages})
	got := send(t, http.MethodPost, "/app/x", strings.NewReader("x"), func(r *http.Request) { r.Header.Set(PageHeader, EncodeMaintenance("forged")) })
	if got.status != http.StatusServiceUnavailable || !strings.HasPrefix(got.body, fmt.Sprintf("%q", app.Access.Maintenance.Text)) {
		t.Errorf("got %+v", got)
	}
	app.Access.Password, app.Access.Users = true, []User{testUser(t, "ann")}
	p.publishTable(Table{Targets: []Target{app}, Pages: pages})
	if got := send(t, http.MethodGet, "/app", nil, nil); got.status != http.StatusUnauthorized {
		t.Errorf("the page of a protected app: %+v", got)
	}
}

// seen is what an app saw of a request.
type seen struct {
	Header  http.Header
	Host    string
	Trailer http.Header
}

func echoApp(t *testing.T) (address string) {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(w).Encode(seen{r.Header, r.Host, r.Trailer})
	}))
}

// spellings are the ways to write the names that speak for a proxy.
func spellings() []string {
	names := slices.Concat(removedHeaders(), []string{
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Server",
		"X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info", "X-Real-Ip",
	})
	var all []string
	for _, name := range names {
		all = append(all, name, strings.ToLower(name), strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"),
			strings.Replace(name, "-", "_", 1), strings.ToUpper(strings.ReplaceAll(name, "-", "_")), "HTTP_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
	}
	return all
}

func TestAccessProxy_NoAppSeesAForgedForwardingHeader(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", echoApp(t), "/app", "a.example")
	p.publishTable(Table{Targets: []Target{app}})
	check := func(what, answer string) {
		if strings.Contains(strings.ToLower(answer), "forged") {
			t.Errorf("%s: the app saw %.600s", what, answer)
		}
	}
	for _, name := range spellings() {
		check(name, raw(t, "GET /app HTTP/1.1\r\nHost: x\r\n"+name+": forged\r\nConnection: close\r\n\r\n"))
		check("twice "+name, raw(t, "GET /app HTTP/1.1\r\nHost: x\r\n"+name+": forged\r\n"+name+": forged2\r\nConnection: close, "+name+"\r\n\r\n"))
	}
	client := &http.Client{Timeout: patience.Of(10 * time.Second), Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
	}}
	for _, name := range spellings() {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+testAddress+":8443/app", http.NoBody)
		request.Header[name] = []string{"forged"}
		response, err := client.Do(request)
		if err != nil {
			continue // refused by the client or the proxy
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.ProtoMajor != 2 {
			t.Fatalf("over %s", response.Proto)
		}
		check("h2 "+name, string(body))
	}
}

func TestAccessProxy_AppSeesTheTrueClientWhateverConnectionSays(t *testing.T) {
	p := startProxy(t)
	p.publishTable(Table{Targets: []Target{target(t, "app", echoApp(t), "/app")}})
	for _, connection := range []string{
		"close", "close, X-Forwarded-For", "close, x-real-ip", "close, X-Forwarded-For, X-Real-Ip, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Prefix",
		"close, X_Forwarded_For", "close, Forwarded", "close, \tX-Forwarded-For\t",
	} {
		answer := raw(t, "GET /app HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: forged\r\nX-Real-Ip: forged\r\nConnection: "+connection+"\r\n\r\n")
		_, body, _ := strings.Cut(answer, "\r\n\r\n")
		body = body[strings.IndexByte(body+"{", '{'):]
		var got seen
		if err := json.NewDecoder(strings.NewReader(body)).Decode(&got); err != nil {
			t.Errorf("%s: %v in %s", connection, err, answer)
			continue
		}
		for name, want := range map[string]string{
			"X-Forwarded-For": testGateway, "X-Real-Ip": testGateway, "X-Forwarded-Proto": "http", "X-Forwarded-Host": "x", "X-Forwarded-Prefix": "/app",
		} {
			if !slices.Equal(got.Header.Values(name), []string{want}) {
				t.Errorf("Connection: %s: %s is %q, want %q", connection, name, got.Header.Values(name), want)
			}
		}
	}
}

// raw sends bytes to web and gives what comes back until the end, five seconds at most.
func raw(t *testing.T, request string) string {
	t.Helper()
	connection, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", testAddress, WebPort), patience.Of(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience.Of(5 * time.Second)))
	if _, err := io.WriteString(connection, request); err != nil {
		return ""
	}
	answer, _ := io.ReadAll(io.LimitReader(connection, 1<<20))
	return string(answer)
}
