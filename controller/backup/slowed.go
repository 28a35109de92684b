package backup

import (
	"context"
	"sync"
	"time"

	"berth/controller/backup/target"
	"berth/controller/pause"
)

// slow is a target that takes so many bytes a second at most.
type slow struct {
	target.Target
	rate int64

	mu   sync.Mutex
	free time.Time // when the next object may begin
}

func slowed(to target.Target, rate int64) target.Target {
	if rate == 0 {
		return to
	}
	return &slow{Target: to, rate: rate}
}

// Put waits for its turn, and takes the time that its bytes need.
func (s *slow) Put(ctx context.Context, name string, content []byte) error {
	s.mu.Lock()
	now := time.Now()
	if s.free.Before(now) {
		s.free = now
	}
	wait := s.free.Sub(now)
	s.free = s.free.Add(time.Duration(float64(len(content)) / float64(s.rate) * float64(time.Second)))
	s.mu.Unlock()
	if err := pause.For(ctx, wait); err != nil {
		return err
	}
	return s.Target.Put(ctx, name, content)
}
