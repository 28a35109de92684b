package disks

import (
	"context"
	"fmt"

	"berth/controller/retention"
)

const gigabyte = 1_000_000_000

func cacheItem(rules retention.Rules) Item {
	rule := "The engine removes what was not used for longest when there are more than 10 GB (builder.gc in its daemon.json, as make up sets it). It does not say which part is Berth's, so Berth removes none."
	if rules.CacheDays > 0 {
		rule = fmt.Sprintf(
			"Berth removes what no build has used for %d days, while there are more than %d GB. The engine does not say which part is Berth's: the cache of other builds on this server goes too.", rules.CacheDays, rules.CacheGB)
	}
	return Item{Kind: KindBuildCache, Title: "Build cache", Unit: "parts", Rule: rule}
}

// pruneCache removes what is old; nil where nobody has allowed that.
func (d *Disks) pruneCache(rules retention.Rules) func(context.Context) (Amount, error) {
	if rules.CacheDays == 0 {
		return nil
	}
	return func(ctx context.Context) (Amount, error) {
		count, bytes, err := d.Engine.PruneBuildCache(ctx, rules.CacheDays*hoursADay, int64(rules.CacheGB)*gigabyte)
		return Amount{count, bytes}, err
	}
}

const hoursADay = 24
