package pause

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestFor_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := For(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if err := For(t.Context(), time.Nanosecond); err != nil {
		t.Errorf("ended with %v", err)
	}
}
