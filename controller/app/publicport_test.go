package app_test

import (
	"strings"
	"testing"

	"berth/controller/app"
)

func TestServiceAlias_IsNoNameOfAnotherInstance(t *testing.T) {
	t.Parallel()
	mains := map[string]bool{"berth-a-r1": true, "berth-a-b-r1": true, "berth-a-r1-r1": true, "berth-a-b-r1-r1": true}
	seen := make(map[string]string)
	for main := range mains {
		for _, service := range []string{"b", "b-r1", "r1", "B", "b.c", "berth-a-b-r1", ""} {
			alias := app.ServiceAlias(main, service)
			if mains[alias] || strings.Contains(alias, ".") {
				t.Errorf("%s of %s is called %s", service, main, alias)
			}
			if other, taken := seen[alias]; taken {
				t.Errorf("%s of %s and %s are called %s", service, main, other, alias)
			}
			seen[alias] = service + " of " + main
		}
	}
	longest := app.ServiceAlias("berth-"+strings.Repeat("a", 40)+"-r9999", strings.Repeat("s", 100))
	if len(longest) > 63 {
		t.Errorf("%s has %d bytes, and DNS has names of 63", longest, len(longest))
	}
}
