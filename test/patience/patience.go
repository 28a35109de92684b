// Package patience stretches the deadlines of tests on a machine that is busy with other work.
package patience

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

// most bounds the stretch, so that a test that hangs ends before the whole run does.
const most = 6

// Of returns the deadline of something that takes at most quiet on a quiet machine: quiet itself there, and longer in
// proportion where more tasks want to run than there are cores.
func Of(quiet time.Duration) time.Duration {
	return stretched(quiet, waiting(), runtime.NumCPU())
}

// Eventually repeats check until it holds, and says whether it did before the deadline.
func Eventually(quiet time.Duration, check func() bool) bool {
	const pause = 20 * time.Millisecond
	for began := time.Now(); ; time.Sleep(pause) {
		if check() {
			return true
		}
		if time.Since(began) > Of(quiet) { // asked each time: the load may have come since
			return false
		}
	}
}

func stretched(quiet time.Duration, waiting float64, cores int) time.Duration {
	return time.Duration(float64(quiet) * min(max(waiting/float64(cores), 1), most))
}

// waiting is how many tasks want to run: now, or on average of the last minute where that is more. See proc_loadavg(5).
func waiting() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var minute, five, fifteen, now float64
	if _, err := fmt.Sscanf(string(text), "%f %f %f %f/", &minute, &five, &fifteen, &now); err != nil {
		return 0
	}
	return max(minute, now)
}
