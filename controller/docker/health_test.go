package docker

import (
	"testing"
	"time"

	"berth/controller/docker/images"
	"berth/controller/plan"
)

func TestHealthcheck_IsNeverAskedMoreOftenThanTheLeast(t *testing.T) {
	engine, _ := openFake(t, nil)
	hasty := images.Image{HasHealthcheck: true, HealthInterval: time.Millisecond, HealthStartInterval: time.Millisecond}
	for name, c := range map[string]struct {
		health *plan.Healthcheck
		image  images.Image
		want   time.Duration
	}{
		"the image's own":                        {nil, hasty, plan.LeastInterval},
		"the service's, with the image's pace":   {&plan.Healthcheck{Test: []string{"CMD", "x"}}, hasty, plan.LeastInterval},
		"the service's":                          {&plan.Healthcheck{Interval: time.Millisecond}, images.Image{}, plan.LeastInterval},
		"the service's, slower than the image's": {&plan.Healthcheck{Interval: time.Minute}, hasty, time.Minute},
		"the engine's default":                   {&plan.Healthcheck{}, images.Image{HasHealthcheck: true}, 0},
	} {
		config := engine.healthcheck(c.health, c.image)
		if config == nil || config.Interval != c.want {
			t.Errorf("%s: got %+v, want %s", name, config, c.want)
		}
	}
	if config := engine.healthcheck(nil, images.Image{HasHealthcheck: true, HealthInterval: time.Minute}); config != nil {
		t.Errorf("an image that asks seldom: got %+v", config)
	}
}
