// Package probe tries connections from inside a container, and tells which of them came about.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// Command is the argument with which a helper does this work.
	Command = "probe"
	// Most is how many tries one probe takes.
	Most = 4096
	// Patience is the longest time of one probe: all its tries, one round after the other.
	Patience = Most / atOnce * wait

	atOnce   = 256
	wait     = 2 * time.Second // for one connection
	mostText = 2 << 20         // bytes of a request or an answer

	// socketPrefix begins the address of a file that must not be there.
	socketPrefix = "unix:"
)

// Kind says what a try aims at.
type Kind string

// The kinds of targets.
const (
	App       Kind = "app"        // an instance of an app
	Proxy     Kind = "proxy"      // the proxy's API and its internal entry points
	Admin     Kind = "admin"      // the admin app
	Broker    Kind = "broker"     // the broker's socket, and the engine
	Host      Kind = "host"       // another port of this machine
	LinkLocal Kind = "link-local" // where clouds keep credentials
)

// Try is a connection that must not come about.
type Try struct {
	Kind    Kind   `json:"kind"`
	Target  string `json:"target"`  // for people, such as the name of an app
	Address string `json:"address"` // address:port over TCP, or unix:PATH
}

// Socket is the address of a try for a socket in the file system.
func Socket(path string) string { return socketPrefix + path }

// Result is what became of a try.
type Result struct {
	Try

	Reached bool `json:"reached"`
}

// request is what a probe is told.
type request struct {
	Tries []Try `json:"tries"`
}

// answer is what it tells.
type answer struct {
	Results []Result `json:"results"`
}

// Ask sends the tries to a probe, and waits for its answer.
func Ask(out io.Writer, in io.Reader, tries []Try) ([]Result, error) {
	if len(tries) > Most {
		return nil, fmt.Errorf("ask a probe: %d tries are more than %d", len(tries), Most)
	}
	if err := json.NewEncoder(out).Encode(request{tries}); err != nil {
		return nil, fmt.Errorf("ask a probe: %w", err)
	}
	var told answer
	if err := json.NewDecoder(io.LimitReader(in, mostText)).Decode(&told); err != nil {
		return nil, fmt.Errorf("read the answer of a probe: %w", err)
	}
	if len(told.Results) != len(tries) {
		return nil, fmt.Errorf("read the answer of a probe: %d results for %d tries", len(told.Results), len(tries))
	}
	for i, try := range tries {
		told.Results[i].Try = try // what was asked, not what the probe says was
	}
	return told.Results, nil
}

// Serve reads the tries from in, makes them, and writes the results to out.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var asked request
	if err := json.NewDecoder(io.LimitReader(in, mostText)).Decode(&asked); err != nil {
		return fmt.Errorf("read what to try: %w", err)
	}
	if len(asked.Tries) > Most {
		return errors.New("read what to try: it is too much")
	}
	told := answer{Results: make([]Result, len(asked.Tries))}
	slots := make(chan struct{}, atOnce)
	var trying sync.WaitGroup
	for i, try := range asked.Tries {
		slots <- struct{}{}
		trying.Go(func() {
			told.Results[i] = Result{Try: try, Reached: reaches(ctx, try.Address)}
			<-slots
		})
	}
	trying.Wait()
	return json.NewEncoder(out).Encode(told)
}

// reaches reports whether somebody answers. A refusal is nobody: firewalls refuse too.
func reaches(ctx context.Context, address string) bool {
	if path, isSocket := strings.CutPrefix(address, socketPrefix); isSocket {
		_, err := os.Lstat(path)
		return err == nil
	}
	connection, err := (&net.Dialer{Timeout: wait}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}
