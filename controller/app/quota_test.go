package app_test

import (
	"errors"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
)

func TestParseVolumeQuota_TakesSizesFrom16mTo100tAndNothingForTheDefault(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, " ": 0, "0": 0, "16m": 16 << 20, "20g": 20 << 30, "20 GB": 20 << 30, "1.5g": 3 << 29, "100t": 100 << 40, "16777216": 16 << 20,
	} {
		if got, err := app.ParseQuota(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"-1", "-20g", "1", "15m", "101t", "ten", "10x", "10 g g", "NaN", "inf", "0g", "0.0", "99999999999999999999t", "9223372036854775807t", strings.Repeat("9", 400) + "g",
	} {
		_, err := app.ParseQuota(text)
		fault, _ := errors.AsType[*problem.Problem](err)
		if fault == nil || fault.Kind != problem.KindInvalid || fault.Field != "quota" || !strings.Contains(fault.Hint, "from 16m to 100t") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestQuotaText_IsReadAsTheSame(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0", 16 << 20: "16m", 20 << 30: "20g", 3 << 29: "1536m", 1 << 40: "1t", 16<<20 + 1: "16777217"} {
		text := app.QuotaText(bytes)
		if again, err := app.ParseQuota(text); text != want || err != nil || again != bytes {
			t.Errorf("%d: %q, again %d, %v", bytes, text, again, err)
		}
	}
}
