package aside

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process keeps all threads of this process, and those that they start, to half of the
// processors.
func Process() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			keepToHalf(id)
		}
	}
}

// keepToHalf keeps a thread to the last half of the processors that it may use; 0 is the
// calling thread.
func keepToHalf(thread int) {
	var may unix.CPUSet
	if unix.SchedGetaffinity(thread, &may) != nil {
		return
	}
	for given, processor := may.Count()/2, 0; given > 0; processor++ {
		if may.IsSet(processor) {
			may.Clear(processor)
			given--
		}
	}
	_ = unix.SchedSetaffinity(thread, &may)
}
