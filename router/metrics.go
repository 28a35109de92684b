package router

import (
	"context"
	"time"

	"berth/controller/metrics"
	"berth/controller/metrics/history"
)

// Metrics tells what is measured, now and before.
type Metrics interface {
	// States are what is known at the moment, the server first and apps by name.
	States() []metrics.State
	// Recent is an app's use of the processor in the last minutes; below zero where it is not known.
	Recent(app string) []float64
	Read(context.Context, metrics.Subject, metrics.Range, time.Time) ([]history.At, error)
}
