package router

import (
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/chart"
)

// sparkCache keeps the small lines of the dashboard for the minute in which they do not
// change: to draw a thousand of them costs more than the rest of the page. It is safe for
// concurrent use; the zero value is ready.
type sparkCache struct {
	mu     sync.Mutex
	minute int64
	sparks map[app.Name]chart.Spark
}

// of returns the line of an app's processor.
func (c *sparkCache) of(name app.Name, measured Metrics, now time.Time) chart.Spark {
	c.mu.Lock()
	defer c.mu.Unlock()
	if minute := now.Unix() / 60; c.sparks == nil || c.minute != minute {
		c.minute, c.sparks = minute, make(map[app.Name]chart.Spark)
	}
	spark, kept := c.sparks[name]
	if !kept {
		spark = chart.NewSpark("CPU", chart.Percent, measured.Recent(string(name)))
		c.sparks[name] = spark
	}
	return spark
}
