package router

import (
	"fmt"
	"strconv"

	"berth/controller/problem"
)

// rollBackApp runs the image of an earlier release again: 303 to the new release's page.
func (a *admin) rollBackApp(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	number, err := parseReleaseNumber(v.request().PostForm.Get("release"))
	if err != nil {
		return a.refuseOnApp(v, name, tabReleases, err)
	}
	release, err := a.releases.Rollback(v.context(), name, number, v.caller.name())
	if err != nil {
		return a.refuseOnApp(v, name, tabReleases, err)
	}
	return v.seeResult(releasePath(release.ReleaseID))
}

func parseReleaseNumber(s string) (int64, error) {
	number, err := strconv.ParseInt(s, 10, 64)
	if err != nil || number < 1 {
		return 0, problem.Invalid(
			fmt.Sprintf("%.20q is not the number of a release.", s),
			"Give a number from 1, as in the list of releases.",
		).At("release").Because(err)
	}
	return number, nil
}
