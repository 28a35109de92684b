//go:build !linux

package aside

// Process does nothing here.
func Process() {}

func keepToHalf(int) {}
