package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// floorSubnet is outside the bench's own pool.
const floorSubnet = "10.206.0.0/27"

// floor does by hand, through the engine's API alone, what a release is made
// of: build, create, start, and the first 200 straight from the container.
type floor struct {
	http  *http.Client
	stack string
	app   *http.Client
}

func newFloor(stack string) *floor {
	socket := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if socket == "" {
		socket = "/var/run/docker.sock"
	}
	return &floor{
		stack: stack,
		http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}},
		app: &http.Client{Timeout: time.Second},
	}
}

// release does it once, on the engine's own bridge, and returns how long it took. The
// container is gone when it returns, so that it takes nothing from who comes next.
func (f *floor) release(ctx context.Context, name string, files map[string][]byte) (time.Duration, error) {
	return f.releaseOn(ctx, name, "", files, func() error { return nil })
}

// isolated is release as Berth's policy wants it: on a network of the app's own, which
// is made while the image is built, or is there where it is another version of the app.
// It says what the isolation alone costs.
func (f *floor) isolated(ctx context.Context, name string, again bool, files map[string][]byte) (time.Duration, error) {
	network := f.stack + "-floor-" + name
	prepare := func() error { return f.makeNetwork(ctx, network) }
	defer func() { _ = f.call(ctx, http.MethodDelete, "/networks/"+network, "", nil) }()
	if again {
		if err := prepare(); err != nil {
			return 0, err
		}
		prepare = func() error { return nil }
	}
	return f.releaseOn(ctx, name, network, files, prepare)
}

func (f *floor) makeNetwork(ctx context.Context, name string) error {
	config := fmt.Sprintf(`{"Name":%q,"IPAM":{"Config":[{"Subnet":%q}]},"Labels":{"berth.stack":%q}}`, name, floorSubnet, f.stack)
	return f.call(ctx, http.MethodPost, "/networks/create", config, nil)
}

func (f *floor) releaseOn(ctx context.Context, name, network string, files map[string][]byte, prepare func() error) (took time.Duration, err error) {
	source, err := tarOf(files)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	prepared := make(chan error, 1)
	go func() { prepared <- prepare() }()
	image, err := f.build(ctx, name, source)
	if err := errors.Join(err, <-prepared); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.remove(ctx, name)) }()
	address, err := f.start(ctx, name, image, network)
	if err != nil {
		return 0, err
	}
	if err := f.first200(ctx, "http://"+address+":8000/"); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func (f *floor) build(ctx context.Context, name string, source []byte) (string, error) {
	query := url.Values{"version": {"2"}, "t": {f.stack + "/floor-" + name}, "labels": {fmt.Sprintf(`{"berth.stack":%q}`, f.stack)}}
	response, err := f.do(ctx, http.MethodPost, "/build?"+query.Encode(), "application/x-tar", bytes.NewReader(source))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var message struct {
			Error string
			ID    string
			Aux   json.RawMessage
		}
		if err := decoder.Decode(&message); err != nil {
			return "", fmt.Errorf("the build gave no image: %w", err)
		}
		if message.Error != "" {
			return "", errors.New(message.Error)
		}
		if message.ID == "moby.image.id" {
			var image struct{ ID string }
			if err := json.Unmarshal(message.Aux, &image); err != nil {
				return "", err
			}
			_, err := io.Copy(io.Discard, response.Body)
			return image.ID, err
		}
	}
}

// start runs the image on a network, the engine's own bridge where it has no name.
func (f *floor) start(ctx context.Context, name, image, network string) (address string, err error) {
	config := fmt.Sprintf(`{"Image":%q,"Labels":{"berth.stack":%q},"HostConfig":{"NetworkMode":%q}}`, image, f.stack, network)
	var created struct{ ID string }
	if err := f.call(ctx, http.MethodPost, "/containers/create?name="+f.stack+"-floor-"+name, config, &created); err != nil {
		return "", err
	}
	if err := f.call(ctx, http.MethodPost, "/containers/"+created.ID+"/start", "", nil); err != nil {
		return "", err
	}
	var found struct {
		NetworkSettings struct {
			Networks map[string]struct{ IPAddress string }
		}
	}
	err = f.call(ctx, http.MethodGet, "/containers/"+created.ID+"/json", "", &found)
	for _, joined := range found.NetworkSettings.Networks {
		address = joined.IPAddress
	}
	return address, err
}

// first200 asks until the answer is 200, closely enough not to add to the time.
func (f *floor) first200(ctx context.Context, address string) error {
	for ctx.Err() == nil {
		if get(ctx, f.app, address) == http.StatusOK {
			return nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	return ctx.Err()
}

func (f *floor) remove(ctx context.Context, name string) error {
	return f.call(ctx, http.MethodDelete, "/containers/"+f.stack+"-floor-"+name+"?force=1", "", nil)
}

func (f *floor) call(ctx context.Context, method, path, body string, out any) error {
	response, err := f.do(ctx, method, path, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(out)
}

func (f *floor) do(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://engine/v1.41"+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", kind)
	response, err := f.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		return nil, fmt.Errorf("engine answered %d to %s %s: %s", response.StatusCode, method, path, text)
	}
	return response, nil
}

// get asks once and returns the status, 0 where there was no answer.
func get(ctx context.Context, client *http.Client, address string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0
	}
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return response.StatusCode
}

func tarOf(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, content := range files {
		mode := int64(0o644)
		if strings.HasSuffix(name, "*") {
			name, mode = strings.TrimSuffix(name, "*"), 0o755
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
