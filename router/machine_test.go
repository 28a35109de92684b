package router

import (
	"strings"
	"testing"
)

func TestMachine_NamesWhatBuildsAreNotKeptFromAndTheFix(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		builds        Builds
		says, without []string
	}{
		"nothing was done": {Builds{}, []string{"default bridge", "may take all memory", "make up BERTH_FENCE_BUILDS=yes", "native.cgroupdriver=cgroupfs"}, []string{">separate<"}},
		"a network alone":  {Builds{Apart: true}, []string{">separate<", "may take all memory"}, []string{"default bridge"}},
		"all of it":        {Builds{Apart: true, Limited: true}, []string{">separate<", "All builds together have limits"}, []string{"BERTH_FENCE_BUILDS"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.Builds = test.builds })
			s.signIn()
			page := s.get("/settings/machine").body
			mustContain(t, page, test.says...)
			for _, words := range test.without {
				if strings.Contains(page, words) {
					t.Errorf("the page says %q", words)
				}
			}
		})
	}
}
