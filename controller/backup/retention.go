package backup

import (
	"fmt"
	"time"

	"berth/controller/backup/set"
)

// Keep says how many sets are kept: the last one of each of the latest days, weeks and
// months that have one.
type Keep struct {
	Daily   int `json:"daily"`
	Weekly  int `json:"weekly"`
	Monthly int `json:"monthly"`
}

// DefaultKeep is what a new server keeps.
func DefaultKeep() Keep { return Keep{Daily: 7, Weekly: 4, Monthly: 6} }

// choose returns the sets to keep. The sets are the newest first; the newest is always
// kept.
func (k Keep) choose(sets []set.ID, zone *time.Location) (kept []set.ID) {
	seen := make(map[string]bool)
	counts := make(map[string]int)
	for at, id := range sets {
		local := id.Time().In(zone)
		year, week := local.ISOWeek()
		keep := at == 0
		for period, name := range map[string]string{
			"day": local.Format(time.DateOnly), "week": fmt.Sprintf("%d W%d", year, week), "month": local.Format("2006-01"),
		} {
			if seen[name] {
				continue
			}
			seen[name] = true
			if counts[period]++; counts[period] <= k.most(period) {
				keep = true
			}
		}
		if keep {
			kept = append(kept, id)
		}
	}
	return kept
}

func (k Keep) most(period string) int {
	return map[string]int{"day": k.Daily, "week": k.Weekly, "month": k.Monthly}[period]
}
