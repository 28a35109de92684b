// Package aside does work for which nobody waits on half of the processors, so that what visitors wait for finds another one idle.
package aside

import "runtime"

// Do does the work on a thread that has half of the processors, and returns when it is
// done. Where the kernel does not allow that, and on a machine with one processor, the work
// is done as any other.
func Do(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		keepToHalf(0)
		work()
	}()
	<-done
}
