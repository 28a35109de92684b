// Command testapp is the app that the tests deploy: it answers, it looks at its
// own confinement, and it dies in every way that an app can.
//
// Its archive holds a file "mode", whose first word says what it does at start,
// and a file "version", which it answers with.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 && os.Args[1] == "health" { // of the health check
		_, err := http.Get("http://127.0.0.1:8000/")
		return err
	}
	if len(os.Args) > 3 && os.Args[1] == "dump" { // a text into a file, as a dump of a database before a backup
		return os.WriteFile(os.Args[2], []byte(os.Args[3]), 0o600)
	}
	if len(os.Args) > 2 && os.Args[1] == "remove" { // after the backup
		return os.Remove(os.Args[2])
	}
	version := read("/version")
	switch mode := read("/mode"); mode {
	case "write": // to a place that is read-only
		return os.WriteFile("/state", []byte("x"), 0o600)
	case "write-then-serve": // in a folder that belongs to the app's user
		if err := os.WriteFile("/srv/state", []byte("x"), 0o600); err != nil {
			return err
		}
	case "memory":
		return takeMemory()
	case "exit":
		fmt.Println("nothing to do")
		return nil
	case "crash":
		return errors.New("the configuration is missing")
	case "twice": // binds its port two times
		if _, err := net.Listen("tcp", ":8000"); err != nil {
			return err
		}
		_, err := net.Listen("tcp", ":8000")
		return err
	case "deaf": // runs and listens nowhere
		time.Sleep(time.Hour)
	case "broken": // answers nothing but errors
		return http.ListenAndServe(":8000", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "broken", http.StatusInternalServerError)
		}))
	case "hang": // serves once ready, and never answers the path /
		http.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
		http.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		return serve()
	case "step-down": // starts as root and goes on as a user of its own, as databases do
		if err := stepDown(); err != nil {
			return err
		}
	case "grpc": // speaks HTTP/2 without TLS alone
		return serveGRPC()
	case "websocket": // has nothing to say to other requests
		return serveWebSocket()
	case "line": // speaks no HTTP
		return serveLines()
	case "late": // takes longer than a minute to start
		time.Sleep(65 * time.Second)
	case "slow": // takes its time to start
		time.Sleep(3 * time.Second)
	case "port": // listens where nobody asks it
		return http.ListenAndServe(":5000", hello(version))
	case "loopback": // listens where nobody reaches it
		return http.ListenAndServe("127.0.0.1:8000", hello(version))
	case "write-data": // into a folder that wants a volume
		if err := os.WriteFile("/data/state", []byte("x"), 0o600); err != nil {
			return err
		}
	case "number": // prints a thousand numbered lines a second
		go number()
	case "lines": // speaks protocols beside HTTP
		if err := speakLines(version); err != nil {
			return err
		}
	case "https-only": // sends everybody to HTTPS who did not come that way
		http.HandleFunc("/secure", httpsOnly)
	case "page": // shows a page whose style is at the top of its host
		http.HandleFunc("/static/site.css", func(http.ResponseWriter, *http.Request) {})
		http.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<!DOCTYPE html><title>page</title><link rel="stylesheet" href="/static/site.css">`)
		})
		return serve()
	}
	fmt.Println("testapp", version, "listens on 8000")
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "testapp %s\n", version) })
	http.HandleFunc("/status/self", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, read("/proc/self/status")) })
	http.HandleFunc("/mounts", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, read("/proc/self/mounts")) })
	http.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, read(r.URL.Query().Get("path"))) })
	http.HandleFunc("/environ", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Println("the environment is", os.Environ()) // careless, as apps are
		fmt.Fprint(w, strings.Join(os.Environ(), "\n"))
	})
	http.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) { _ = r.Header.Write(w) })
	http.HandleFunc("/write", write)
	http.HandleFunc("/dial", dial)
	outward()
	http.HandleFunc("/wait", wait)
	http.HandleFunc("/print", func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.Query().Get("line")) })
	http.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	return serve()
}

func httpsOnly(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Forwarded-Proto") != "https" {
		http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
		return
	}
	_ = r.Header.Write(w)
}

func hello(version string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "testapp %s\n", version) })
}

// number prints lines that end, for good, after a quarter of an hour.
func number() {
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for line := 1; line < 900_000; line += 10 {
		var lines strings.Builder
		for i := range 10 {
			fmt.Fprintf(&lines, "line %d\n", line+i)
		}
		fmt.Print(lines.String())
		<-ticks.C
	}
}

// serve answers until SIGTERM, then finishes what is under way.
func serve() error {
	server := &http.Server{Addr: ":8000", ReadHeaderTimeout: 10 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	drained := make(chan error, 1)
	go func() {
		<-stop.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		drained <- server.Shutdown(ctx)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

// stepDown gives a folder to the user 999, and becomes it.
func stepDown() error {
	if err := os.Chown("/data", 999, 999); err != nil {
		return err
	}
	if err := syscall.Setgid(999); err != nil {
		return fmt.Errorf("setgid: %w", err)
	}
	if err := syscall.Setuid(999); err != nil {
		return fmt.Errorf("setuid: %w", err)
	}
	return os.WriteFile("/data/state", []byte("x"), 0o600)
}

// write tries to write the file that the query names.
func write(w http.ResponseWriter, r *http.Request) {
	content := []byte("x")
	if megabytes, err := strconv.Atoi(r.URL.Query().Get("megabytes")); err == nil {
		content = make([]byte, megabytes<<20)
	}
	if err := os.WriteFile(r.URL.Query().Get("path"), content, 0o600); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	fmt.Fprintln(w, "written")
}

// dial says whether the address of the query can be reached from inside.
func dial(w http.ResponseWriter, r *http.Request) {
	connection, err := net.DialTimeout("tcp", r.URL.Query().Get("address"), 1500*time.Millisecond)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	_ = connection.Close()
	fmt.Fprintln(w, "reached")
}

// wait answers after the time that the query names.
func wait(w http.ResponseWriter, r *http.Request) {
	pause, err := time.ParseDuration(r.URL.Query().Get("for"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(pause)
	fmt.Fprintln(w, "waited")
}

// takeMemory takes more and more until it is ended.
func takeMemory() error {
	var held [][]byte
	for {
		block := make([]byte, 16<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
		if len(held) > 1000 {
			return errors.New("there is no limit")
		}
	}
}

func read(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	content, _ := io.ReadAll(file)
	return strings.TrimSpace(string(content))
}
