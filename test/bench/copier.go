package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"berth/test/stack"
)

// copier stands in front of the engine, and answers as if the engine held copies of one
// app: of its containers and networks.
type copier struct {
	seed   string // name of the app that is copied
	engine *httputil.ReverseProxy

	mu      sync.Mutex
	numbers []int           // of the copies
	ids     map[string]bool // of the seed's containers and networks
	calls   map[string]int  // since the last count
	stats   []byte          // of the seed, once they were asked: the engine is slow to tell them of one container again and again
}

func newCopier(seed string) (*copier, error) {
	engine, err := stack.EngineProxy()
	if err != nil {
		return nil, err
	}
	c := &copier{seed: seed, engine: engine, ids: make(map[string]bool), calls: make(map[string]int)}
	engine.ModifyResponse = c.answered
	return c, nil
}

// copyOf is the name of a copy.
func copyOf(seed string, n int) string { return fmt.Sprintf("%s-%06d", seed, n) }

// inCopy is a text about the seed as it is about a copy.
func inCopy(text string, n int) string {
	return strings.ReplaceAll(text, string(quietSeed), copyOf(string(quietSeed), n))
}

// copy adds the copies from one number to below another.
func (c *copier) copy(from, to int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := from; n < to; n++ {
		c.numbers = append(c.numbers, n)
	}
}

// drop removes all copies, and returns their numbers.
func (c *copier) drop() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	numbers := c.numbers
	c.numbers = nil
	return numbers
}

// count returns the calls since the last count, in all and in words.
func (c *copier) count() (calls int, words string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(c.calls)) {
		calls += c.calls[kind]
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, c.calls[kind]))
	}
	c.calls = make(map[string]int)
	return calls, strings.Join(kinds, ", ")
}

var (
	// versions, copies and objects are what differs in the path of a call.
	versions = regexp.MustCompile(`^/v[0-9.]+`)
	copies   = regexp.MustCompile(regexp.QuoteMeta(string(quietSeed)) + `-([0-9]{6})`)
	copied   = regexp.MustCompile(`([0-9a-f]{58})([0-9]{6})\b`)
	objects  = regexp.MustCompile(`^/(containers|networks|images|volumes|exec)/[^/]+(/.*)?$`)
)

// ServeHTTP passes a call on; one about a copy is asked of the seed.
func (c *copier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := versions.ReplaceAllString(r.URL.Path, "")
	kind := path
	if parts := objects.FindStringSubmatch(path); parts != nil && path != "/containers/json" && path != "/images/json" {
		kind = "/" + parts[1] + "/X" + parts[2]
	}
	c.mu.Lock()
	c.calls[r.Method+" "+kind]++
	stats := c.stats
	n, asked := c.ofCopy(r.URL.Path)
	if n != 0 {
		r.URL.Path = asked
		r.Header.Set("X-Copy", strconv.Itoa(n))
	}
	c.mu.Unlock()
	if n != 0 && len(stats) > 0 && strings.HasSuffix(asked, "/stats") {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(stats)
		return
	}
	c.engine.ServeHTTP(w, r)
}

// ofCopy returns the number of the copy in a path, and the path of the seed; 0 where the
// path is about none.
func (c *copier) ofCopy(path string) (n int, seed string) {
	if found := copies.FindStringSubmatch(path); found != nil {
		n, _ = strconv.Atoi(found[1])
		return n, copies.ReplaceAllString(path, c.seed)
	}
	if found := copied.FindStringSubmatch(path); found != nil {
		for id := range c.ids {
			if strings.HasPrefix(id, found[1]) && !strings.Contains(path, id) {
				n, _ = strconv.Atoi(found[2])
				return n, strings.ReplaceAll(path, found[0], id)
			}
		}
	}
	return 0, path
}

// answered puts the copies into the engine's answer.
func (c *copier) answered(response *http.Response) error {
	path := versions.ReplaceAllString(response.Request.URL.Path, "")
	number := response.Request.Header.Get("X-Copy")
	if response.StatusCode != http.StatusOK || path != "/containers/json" && path != "/networks" && number == "" {
		return nil
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, err := strconv.Atoi(number); err == nil {
		if strings.HasSuffix(path, "/stats") {
			c.stats = text
		}
		text = c.about(text, n)
	} else if text, err = c.listed(text); err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	response.ContentLength = int64(len(text))
	response.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// listed is a list with the copies of each entry that is the seed's, and with the proxy on
// the copies' networks.
func (c *copier) listed(text []byte) ([]byte, error) {
	var entries, all []json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, err
	}
	for _, entry := range entries {
		var known struct {
			ID     string `json:"Id"`
			Labels map[string]string
		}
		if err := json.Unmarshal(entry, &known); err != nil {
			return nil, err
		}
		switch {
		case known.Labels["berth.role"] == "proxy":
			joined, err := c.joined(entry)
			if err != nil {
				return nil, err
			}
			all = append(all, joined)
		case known.Labels["berth.app"] == c.seed:
			c.ids[known.ID] = true
			all = append(all, entry)
			for _, n := range c.numbers {
				all = append(all, c.about(entry, n))
			}
		default:
			all = append(all, entry)
		}
	}
	return json.Marshal(all)
}

// joined is the entry of the proxy, on the networks of the copies too.
func (c *copier) joined(entry json.RawMessage) (json.RawMessage, error) {
	var whole map[string]json.RawMessage
	var settings struct{ Networks map[string]json.RawMessage }
	if err := json.Unmarshal(entry, &whole); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(whole["NetworkSettings"], &settings); err != nil {
		return nil, err
	}
	for name, network := range maps.Clone(settings.Networks) {
		if !strings.Contains(name, c.seed) {
			continue
		}
		var known struct{ NetworkID string }
		if err := json.Unmarshal(network, &known); err != nil {
			return nil, err
		}
		c.ids[known.NetworkID] = true
		for _, n := range c.numbers {
			settings.Networks[inCopy(name, n)] = c.about(network, n)
		}
	}
	var err error
	if whole["NetworkSettings"], err = json.Marshal(settings); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}

// about is a text of the engine about the seed as it is about a copy: its name and its IDs.
func (c *copier) about(text []byte, n int) []byte {
	text = []byte(inCopy(string(text), n))
	for id := range c.ids {
		text = bytes.ReplaceAll(text, []byte(id), fmt.Appendf(nil, "%s%06d", id[:58], n))
	}
	return text
}
