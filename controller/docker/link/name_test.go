package link

import "testing"

// The proxy is on the networks of all apps, so it would find whichever service has the
// name: a user names apps and services freely.
func TestServiceAlias_NoAppsServiceHasTheNameOfAnothers(t *testing.T) {
	t.Parallel()
	link := &Link{Stack: "berth"}
	alias := link.ServiceAlias("a", 3, "b-c")
	for what, other := range map[string]string{
		"names that run together":        link.ServiceAlias("a-b", 3, "c"),
		"a service of another release":   link.ServiceAlias("a", 4, "b-c"),
		"an app that is called like it":  link.InstanceName(alias[len("berth-"):], 3, ""),
		"an app called like its release": link.InstanceName("r3-x", 3, ""),
	} {
		if other == alias {
			t.Errorf("%s: both are %s", what, alias)
		}
	}
	if len(alias) > 63 {
		t.Errorf("%s is too long for a name of DNS", alias)
	}
}
