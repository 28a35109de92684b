package router

import (
	"fmt"
	"sync"

	"berth/controller/problem"
)

// previewsAtOnce is how many archives of one account or token are looked into at a time.
// Nothing else but the limit on all requests holds previews back: they deploy nothing.
const previewsAtOnce = 3

// previews counts those that are under way, by owner.
type previews struct {
	mu       sync.Mutex
	underWay map[string]int
}

func newPreviews() *previews { return &previews{underWay: make(map[string]int)} }

// begin counts a preview until end; a Problem where there are enough.
func (p *previews) begin(owner string) (end func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.underWay[owner] >= previewsAtOnce {
		return nil, problem.Conflict(
			fmt.Sprintf("%d previews of yours are under way.", previewsAtOnce),
			"Wait until one of them is shown, then preview this archive.",
		)
	}
	p.underWay[owner]++
	return func() { p.end(owner) }, nil
}

func (p *previews) end(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.underWay[owner]--; p.underWay[owner] == 0 {
		delete(p.underWay, owner)
	}
}
