package app

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"berth/controller/problem"
)

// What an operator can choose as the quota of a volume, in bytes.
const (
	LeastQuota int64 = 16 << 20
	MostQuota  int64 = 100 << 40
)

// ParseQuota returns the bytes of a size such as 512m or 20g; 0, which nothing and
// "0" are too, is the quota of the setting.
func ParseQuota(s string) (int64, error) {
	text := strings.TrimSpace(s)
	if text == "" || text == "0" {
		return 0, nil
	}
	bytes, err := units.RAMInBytes(text)
	if err == nil && bytes >= LeastQuota && bytes <= MostQuota {
		return bytes, nil
	}
	return 0, problem.Invalid(
		fmt.Sprintf("%.20q is not a quota that a volume can have.", text),
		"Give a size from 16m to 100t, such as 512m or 20g, or nothing for the default.",
	).At("quota").Because(err)
}

// QuotaText is a quota as ParseQuota reads it, in the largest unit that is exact.
func QuotaText(bytes int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 40, "t"}, {1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}} {
		if bytes > 0 && bytes%unit.bytes == 0 {
			return strconv.FormatInt(bytes/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}
