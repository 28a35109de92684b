package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"
)

const (
	volumeBytes      = 2 << 30
	volumeMemoryGoal = 50 // MB, of the controller while a file streams through it
	sampleEvery      = 20 * time.Millisecond
)

// measureVolume: one large file into a volume and out again, and the most that the
// controller takes meanwhile.
func (b *bench) measureVolume() error {
	status, err := b.stack.Send(b.ctx, b.token, http.MethodPost, "/api/v1/volumes", `{"name": "bench"}`, nil)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("create volume: status %d: %w", status, err)
	}
	before, err := b.controllerMemory()
	if err != nil {
		return err
	}
	watch := b.watchMemory()
	in, sent, err := b.sendVolumeFile()
	if err != nil {
		return errors.Join(err, watch.end())
	}
	out, came, err := b.takeVolumeFile()
	if err = errors.Join(err, watch.end()); err != nil {
		return err
	}
	if sent != came {
		return errors.New("what came out of the volume is not what went in")
	}
	b.report(watch.most < volumeMemoryGoal, "%d MB into a volume in %s and out in %s; the controller took %.1f MB at most, %.1f before (goal %d)",
		volumeBytes>>20, milliseconds(in), milliseconds(out), watch.most, before, volumeMemoryGoal)
	return nil
}

func (b *bench) sendVolumeFile() (took time.Duration, sum uint32, err error) {
	checksum := crc32.NewIEEE()
	body := io.TeeReader(io.LimitReader(filler{}, volumeBytes), checksum)
	request, err := b.volumeRequest(http.MethodPut, body)
	if err != nil {
		return 0, 0, err
	}
	request.ContentLength = volumeBytes
	began := time.Now()
	response, err := b.stack.AdminClient().Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
		return 0, 0, fmt.Errorf("the upload answered %d: %s", response.StatusCode, text)
	}
	return time.Since(began), checksum.Sum32(), nil
}

func (b *bench) takeVolumeFile() (took time.Duration, sum uint32, err error) {
	request, err := b.volumeRequest(http.MethodGet, nil)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	response, err := b.stack.AdminClient().Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	checksum := crc32.NewIEEE()
	n, err := io.Copy(checksum, response.Body)
	if err != nil || n != volumeBytes {
		return 0, 0, fmt.Errorf("the download ended after %d bytes: %w", n, err)
	}
	return time.Since(began), checksum.Sum32(), nil
}

func (b *bench) volumeRequest(method string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(b.ctx, method, b.stack.Admin+"/api/v1/volumes/bench/files/big.bin", body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+b.token)
	return request, nil
}

// filler is bytes without end, made faster than anybody takes them.
type filler struct{}

// Read implements io.Reader.
func (filler) Read(buffer []byte) (int, error) {
	for i := range buffer {
		buffer[i] = byte(i)
	}
	return len(buffer), nil
}

// memoryWatch samples what the controller has in memory.
type memoryWatch struct {
	most    float64 // MB, to be read after end
	err     error
	stop    chan struct{}
	stopped chan struct{}
}

func (b *bench) watchMemory() *memoryWatch {
	w := &memoryWatch{stop: make(chan struct{}), stopped: make(chan struct{})}
	go func() {
		defer close(w.stopped)
		for w.err == nil {
			now, err := b.controllerMemory()
			w.most, w.err = max(w.most, now), err
			select {
			case <-w.stop:
				return
			case <-time.After(sampleEvery):
			}
		}
	}()
	return w
}

// controllerMemory is the resident memory of the controller's own, in MB, as the
// engine counts it: without the pages of its program, which the machine can drop.
func (b *bench) controllerMemory() (float64, error) {
	var found struct {
		Memory struct {
			Stats struct {
				TotalRSS float64 `json:"total_rss"` // cgroup 1
				Anon     float64 `json:"anon"`      // cgroup 2
			} `json:"stats"`
		} `json:"memory_stats"`
	}
	if err := b.floor.call(b.ctx, http.MethodGet, "/containers/"+b.stack.Controller()+"/stats?stream=false&one-shot=true", "", &found); err != nil {
		return 0, err
	}
	bytes := found.Memory.Stats.TotalRSS + found.Memory.Stats.Anon
	if bytes == 0 {
		return 0, errors.New("the engine does not say what the controller has in memory")
	}
	return bytes / (1 << 20), nil
}

func (w *memoryWatch) end() error {
	close(w.stop)
	<-w.stopped
	return w.err
}
