//go:build integration

package kill

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	fewRandom  = 3 // kills where BERTH_TEST_RANDOM_KILLS names no other number
	mostWait   = 4 * time.Second
	mostBeside = 2 // things that are under way at once
)

// drill proves the newest backup, if there is one.
func (h *house) drill(_ form, _ int) error {
	if err := h.send(http.MethodPost, "/backups/drill", "", nil); err != nil {
		return err
	}
	return h.ended("/backups", `"progress":null`)
}

// killWhileItStarts starts the process and kills it within its first second.
func (h *house) killWhileItStarts() {
	go func() { _ = h.Start() }()
	for h.ID() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(rand.N(time.Second))
	h.Kill()
}

// TestRandom_KillsLeaveTheOldStateOrTheNew kills the process at any moment while releases, backups, drills, clean-ups,
// uploads and changes of the proxy are under way side by side, and now and then once more while it starts.
func TestRandom_KillsLeaveTheOldStateOrTheNew(t *testing.T) {
	h := newHouse(t)
	h.giveJobs(t, true)
	if err := h.backUp(forms[0], 0); err != nil {
		t.Fatalf("%v\n%s", err, h.Log())
	}
	all := append(append([]deed{{"drill", true, (*house).drill}}, jobs...), deeds[1:]...)
	for i := range number("BERTH_TEST_RANDOM_KILLS", fewRandom) {
		k := &killing{house: h, form: forms[rand.IntN(len(forms))], deed: all[rand.IntN(len(all))], round: 100 * i}
		k.ready(t)
		var under sync.WaitGroup
		said := ""
		for range mostBeside {
			one := all[rand.IntN(len(all))]
			said += one.name + " "
			under.Go(func() { _ = one.do(h, k.form, k.round) }) // who kills it in between gets no answer
		}
		wait := rand.N(mostWait)
		time.Sleep(wait)
		h.Kill()
		under.Wait()
		if rand.IntN(4) == 0 {
			h.killWhileItStarts()
		}
		h.revive()
		if err := k.clean(); err != nil {
			t.Errorf("killed %v into %sof %s: %v\n%s", wait, said, k.form.name, err, h.Log())
		}
		h.sound(t)
		t.Logf("killed %v into %sof %s", wait.Round(time.Millisecond), said, k.form.name)
	}
}
