package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"filippo.io/age"
)

const (
	savedFiles     = 16
	savedFileBytes = 64 << 20
	savedRounds    = 3

	backupGoal       = 0.8 // of the throughput of tar, age and a copy by hand
	restoreGoal      = 0.8
	incrementalGoal  = 0.02 // of the bytes, where 1 % changed
	backupMemoryGoal = 100  // MB
	visitGoal        = 1.3  // of the p95 of a live app without a backup
)

// savedHouse is a volume of 1 GB beside an app that is visited.
type savedHouse struct {
	*bench

	identity *age.X25519Identity
	by       string // container that has the volume, for the floor
}

// measureBackup: a backup and a restore against tar, age and a copy by hand; a backup of
// what changed by 1 %; the controller's memory and the visitors of an app meanwhile.
func (b *bench) measureBackup() error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	h := &savedHouse{bench: b, identity: identity}
	if err := h.fill(); err != nil {
		return err
	}
	_, archive, version, err := b.content()
	if err == nil {
		_, _, err = b.deploy("steady", "/steady", version, archive)
	}
	if err != nil {
		return err
	}
	b.settle("steady")
	if err := h.hold(); err != nil {
		return err
	}
	if err := h.measureWhole(); err != nil {
		return err
	}
	if err := h.measureChanged(); err != nil {
		return err
	}
	return errors.Join(h.measureRestore(), b.floor.remove(b.ctx, "saved"), b.remove("steady"))
}

// fill makes the volume, of files that nothing can make smaller.
func (h *savedHouse) fill() error {
	status, err := h.stack.Send(h.ctx, h.token, http.MethodPost, "/api/v1/volumes", `{"name": "saved"}`, nil)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("create volume: status %d: %w", status, err)
	}
	for n := range savedFiles {
		if err := h.put(n, byte(n)); err != nil {
			return err
		}
	}
	return nil
}

func (h *savedHouse) put(n int, seed byte) error {
	noise := rand.NewChaCha8([32]byte{seed, 1})
	address := fmt.Sprintf("%s/api/v1/volumes/saved/files/%d.bin", h.stack.Admin, n)
	request, err := http.NewRequestWithContext(h.ctx, http.MethodPut, address, io.LimitReader(noise, savedFileBytes))
	if err != nil {
		return err
	}
	request.ContentLength = savedFileBytes
	request.Header.Set("Authorization", "Bearer "+h.token)
	response, err := h.stack.AdminClient().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the upload answered %d", response.StatusCode)
	}
	return nil
}

// hold makes a container that has the volume, through which the floor reads it.
func (h *savedHouse) hold() error {
	var image struct{ Image string }
	if err := h.floor.call(h.ctx, http.MethodGet, "/containers/"+h.stack.Controller()+"/json", "", &image); err != nil {
		return err
	}
	var volumes struct {
		Volumes []struct{ Name, Mountpoint string }
	}
	filters := `{"label":["berth.stack=` + h.stack.Name + `"]}`
	if err := h.floor.call(h.ctx, http.MethodGet, "/volumes?filters="+strings.ReplaceAll(filters, `"`, "%22"), "", &volumes); err != nil {
		return err
	}
	for _, found := range volumes.Volumes {
		if !strings.HasSuffix(found.Name, "saved") {
			continue
		}
		h.by = h.floor.stack + "-floor-saved"
		config := fmt.Sprintf(`{"Image":%q,"Labels":{"berth.stack":%q},"HostConfig":{"Binds":["%s:/saved"]}}`, image.Image, h.floor.stack, found.Name)
		return h.floor.call(h.ctx, http.MethodPost, "/containers/create?name="+h.by, config, nil)
	}
	return errors.New("the engine does not have the volume")
}

// byHand is what a person writes: tar of the volume, encrypted, into a file on the disk.
func (h *savedHouse) byHand(name string) (took time.Duration, err error) {
	began := time.Now()
	tar, err := h.floor.do(h.ctx, http.MethodGet, "/containers/"+h.by+"/archive?path=/saved/.", "", http.NoBody)
	if err != nil {
		return 0, err
	}
	defer tar.Body.Close()
	file, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	sealed, err := age.Encrypt(file, h.identity.Recipient())
	if err == nil {
		_, err = io.Copy(sealed, tar.Body)
	}
	if err == nil {
		err = sealed.Close()
	}
	if err == nil {
		err = file.Sync()
	}
	return time.Since(began), errors.Join(err, file.Close())
}

// backUp makes a backup into a folder, and returns how long it took and what it sent.
func (h *savedHouse) backUp(folder string) (took time.Duration, bytes, sent int64, err error) {
	settings := fmt.Sprintf(`{"folder": %q, "recipients": %q, "keep": {"daily": 7}}`, folder, h.identity.Recipient())
	if status, err := h.stack.Send(h.ctx, h.token, http.MethodPut, "/api/v1/backups/settings", settings, nil); err != nil || status >= http.StatusMultipleChoices {
		return 0, 0, 0, fmt.Errorf("set backups up: status %d: %w", status, err)
	}
	var answer struct {
		Backups []struct {
			State, Reason string
			Bytes         int64
			Sent          int64 `json:"sent_bytes"`
		}
	}
	list := func() error {
		_, err := h.stack.API(h.ctx, h.token, http.MethodGet, "/api/v1/backups", &answer)
		return err
	}
	if err := list(); err != nil {
		return 0, 0, 0, err
	}
	before := len(answer.Backups)
	began := time.Now()
	if status, err := h.stack.Send(h.ctx, h.token, http.MethodPost, "/api/v1/backups", "{}", nil); err != nil || status >= http.StatusMultipleChoices {
		return 0, 0, 0, fmt.Errorf("begin a backup: status %d: %w", status, err)
	}
	for len(answer.Backups) == before {
		if err := errors.Join(h.pause(50*time.Millisecond), list()); err != nil {
			return 0, 0, 0, err
		}
	}
	took = time.Since(began)
	if last := answer.Backups[0]; last.State != "done" {
		return 0, 0, 0, fmt.Errorf("the backup failed: %s", last.Reason)
	}
	return took, answer.Backups[0].Bytes, answer.Backups[0].Sent, nil
}

// savedFolder is a place in the controller's container.
func savedFolder(round int) string { return fmt.Sprintf("/data/bench-backups-%d", round) }

func (h *savedHouse) measureWhole() error {
	copied, err := os.CreateTemp("", "berth-bench-*.age")
	if err != nil {
		return err
	}
	defer os.Remove(copied.Name())
	_ = copied.Close()
	usual, err := h.visitFor(10 * time.Second)
	if err != nil {
		return err
	}
	var ours, theirs []time.Duration
	var meanwhile, byHand []time.Duration
	watch := h.watchMemory()
	for round := range savedRounds {
		err := h.visitDuring(&byHand, func() error {
			hand, err := h.byHand(copied.Name())
			theirs = append(theirs, hand)
			return err
		})
		if err == nil {
			err = h.visitDuring(&meanwhile, func() error {
				took, _, _, err := h.backUp(savedFolder(round))
				ours = append(ours, took)
				return err
			})
		}
		if err != nil {
			return errors.Join(err, watch.end())
		}
	}
	if err := watch.end(); err != nil {
		return err
	}
	ratio := 1 / median(ratios(ours, theirs))
	h.report(ratio >= backupGoal, "1 GB backed up in %s: %.2f of the throughput of tar, age and a file by hand (goal %.1f)", milliseconds(median(ours)), ratio, backupGoal)
	h.report(watch.most < backupMemoryGoal, "the controller took %.1f MB meanwhile (goal %d)", watch.most, backupMemoryGoal)
	p95 := quantile(usual, 0.95)
	slower := float64(quantile(meanwhile, 0.95)) / float64(p95)
	h.report(slower <= visitGoal, "p95 of a live app meanwhile %s, usually %s: %.2f times (goal %.1f), and %.2f times while it is done by hand",
		milliseconds(quantile(meanwhile, 0.95)), milliseconds(p95), slower, visitGoal, float64(quantile(byHand, 0.95))/float64(p95))
	return nil
}

// measureChanged: the next backup, once 1 % of the volume is other bytes.
func (h *savedHouse) measureChanged() error {
	address := h.stack.Admin + "/api/v1/volumes/saved/files/changed.bin"
	body := io.LimitReader(rand.NewChaCha8([32]byte{99}), savedFiles*savedFileBytes/100)
	request, err := http.NewRequestWithContext(h.ctx, http.MethodPut, address, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+h.token)
	response, err := h.stack.AdminClient().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	took, whole, sent, err := h.backUp(savedFolder(savedRounds - 1))
	if err != nil {
		return err
	}
	share := float64(sent) / float64(whole)
	h.report(share <= incrementalGoal, "with 1 %% of 1 GB changed, a backup sends %.2f %% in %s (goal %.0f %%)", 100*share, milliseconds(took), 100*incrementalGoal)
	return nil
}

// measureRestore: the volume comes back under another name, against age, tar and the engine by hand.
func (h *savedHouse) measureRestore() error {
	copied, err := os.CreateTemp("", "berth-bench-*.age")
	if err != nil {
		return err
	}
	defer os.Remove(copied.Name())
	_ = copied.Close()
	if _, err := h.byHand(copied.Name()); err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for round := range savedRounds {
		hand, err := h.backByHand(copied.Name())
		if err != nil {
			return err
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(h.ctx, 5*time.Minute)
		command := exec.CommandContext(ctx, "docker", "exec", "--interactive", h.stack.Controller(), "/berth", "restore",
			"--from", savedFolder(savedRounds-1), "--key", "/dev/stdin", "--volume", "saved", "--as", fmt.Sprintf("saved-%d", round))
		command.Stdin = strings.NewReader(h.identity.String() + "\n")
		out, err := command.CombinedOutput()
		cancel()
		if err != nil {
			return fmt.Errorf("restore: %w: %s", err, out)
		}
		ours, theirs = append(ours, time.Since(began)), append(theirs, hand)
	}
	ratio := 1 / median(ratios(ours, theirs))
	h.report(ratio >= restoreGoal, "1 GB restored in %s, each byte read twice: %.2f of the throughput of age and tar by hand (goal %.1f)", milliseconds(median(ours)), ratio, restoreGoal)
	return nil
}

// backByHand decrypts the file into a new volume.
func (h *savedHouse) backByHand(name string) (took time.Duration, err error) {
	volume, container := h.floor.stack+"-floor-back", h.floor.stack+"-floor-back"
	began := time.Now()
	labels, _ := json.Marshal(map[string]string{"berth.stack": h.floor.stack})
	if err := h.floor.call(h.ctx, http.MethodPost, "/volumes/create", fmt.Sprintf(`{"Name":%q,"Labels":%s}`, volume, labels), nil); err != nil {
		return 0, err
	}
	var image struct{ Image string }
	if err := h.floor.call(h.ctx, http.MethodGet, "/containers/"+h.by+"/json", "", &image); err != nil {
		return 0, err
	}
	config := fmt.Sprintf(`{"Image":%q,"Labels":%s,"HostConfig":{"Binds":["%s:/saved"]}}`, image.Image, labels, volume)
	if err := h.floor.call(h.ctx, http.MethodPost, "/containers/create?name="+container, config, nil); err != nil {
		return 0, err
	}
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	plain, err := age.Decrypt(file, h.identity)
	if err != nil {
		return 0, err
	}
	response, err := h.floor.do(h.ctx, http.MethodPut, "/containers/"+container+"/archive?path=/saved", "application/x-tar", plain)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	took = time.Since(began)
	return took, errors.Join(h.floor.remove(h.ctx, "back"), h.floor.call(h.ctx, http.MethodDelete, "/volumes/"+volume, "", nil))
}

// visitFor returns how long visits of the app take.
func (h *savedHouse) visitFor(d time.Duration) ([]time.Duration, error) {
	ctx, stop := context.WithTimeout(h.ctx, d)
	defer stop()
	seen := h.visits(ctx)
	if len(seen) == 0 {
		return nil, errors.New("the app does not answer")
	}
	return seen, nil
}

// visitDuring adds how long visits take while the work is done.
func (h *savedHouse) visitDuring(seen *[]time.Duration, work func() error) error {
	ctx, stop := context.WithCancel(h.ctx)
	visits := make(chan []time.Duration, 1)
	go func() { visits <- h.visits(ctx) }()
	err := work()
	stop()
	*seen = append(*seen, <-visits...)
	return err
}

// visits asks for the app at a steady rate until ctx ends.
func (h *savedHouse) visits(ctx context.Context) (seen []time.Duration) {
	client := &http.Client{Timeout: 10 * time.Second}
	ticker := time.NewTicker(time.Second / outageRate)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return seen
		case <-ticker.C:
			began := time.Now()
			if get(context.WithoutCancel(ctx), client, h.stack.Apps+"/steady") == http.StatusOK {
				seen = append(seen, time.Since(began))
			}
		}
	}
}
