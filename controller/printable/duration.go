package printable

import (
	"fmt"
	"strconv"
	"time"
)

// Duration is a duration as a person says it: "0.4 s", "38 s", "1 min 5 s", "10 min".
func Duration(d time.Duration) string {
	switch seconds := int(d.Round(time.Second) / time.Second); {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds%60 == 0:
		return fmt.Sprintf("%d min", seconds/60)
	default:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	}
}
