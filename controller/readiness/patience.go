package readiness

import (
	"cmp"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
)

// usualPatience is how long a service may take where nothing asks for more.
const usualPatience = 60 * time.Second

// What the engine takes where neither the service nor its image says it.
const (
	engineInterval = 30 * time.Second
	engineRetries  = 3
)

// ChecksHealth reports whether the engine asks a service how it does. health is what the
// service says beside its image; nil leaves it to the image.
func ChecksHealth(health *plan.Healthcheck, image docker.Image) bool {
	if health == nil || len(health.Test) == 0 {
		return image.HasHealthcheck
	}
	return health.Test[0] != "NONE"
}

// Patience is how long a service may take to become ready: the start time of the app, else
// the start period of the health check and its tries, a minute at least and most at most.
// wanted is what it would be without that bound.
func Patience(health *plan.Healthcheck, image docker.Image, start, most time.Duration) (patience, wanted time.Duration) {
	wanted = start
	if wanted == 0 {
		wanted = max(usualPatience, ofHealthcheck(health, image))
	}
	return min(wanted, most), wanted
}

// Shortened says that a service may not take as long as it asks for.
func Shortened(service string, patience, wanted time.Duration) string {
	return fmt.Sprintf("%s asks for %s to become ready, and %s is the most here: BERTH_LIMITS_START raises it", service, app.StartTimeText(wanted), app.StartTimeText(patience))
}

func ofHealthcheck(health *plan.Healthcheck, image docker.Image) time.Duration {
	if !ChecksHealth(health, image) {
		return 0
	}
	var own plan.Healthcheck
	if health != nil {
		own = *health
	}
	interval := max(plan.LeastInterval, cmp.Or(own.Interval, image.HealthInterval, engineInterval))
	retries := cmp.Or(own.Retries, image.HealthRetries, engineRetries)
	start := cmp.Or(own.StartPeriod, image.HealthStartPeriod)
	// An image may say any numbers: none of them makes the sum overflow.
	const enough = 1000 * time.Hour
	return min(start, enough) + min(interval, enough)*time.Duration(min(max(retries, 1), 1000))
}
