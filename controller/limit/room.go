package limit

import (
	"context"
	"fmt"
)

// Room is what is left of a budget in the window that has least.
type Room struct {
	Left int
	Window
}

// Scarce reports whether less than half is left.
func (r Room) Scarce() bool { return 2*r.Left < r.Requests }

// Room says how many requests of the subject still fit. It counts nothing.
func (l *Limiter) Room(ctx context.Context, class Class, subject Subject) (Room, error) {
	counter, err := l.ledger.Counters.FindCounter(ctx, Key{class, subject})
	if err != nil {
		return Room{}, fmt.Errorf("find counter: %w", err)
	}
	budget := l.budget(class)
	counter.fit(budget, l.now())
	var least Room
	for i, w := range budget {
		room := Room{Left: w.Requests, Window: w}
		for _, hit := range counter.Windows[i].Hits {
			room.Left -= hit.Count
		}
		room.Left = max(0, room.Left)
		if i == 0 || room.Left*least.Requests < least.Left*room.Requests {
			least = room
		}
	}
	return least, nil
}
