package app

// Superfluous returns those of the releases whose images are not kept: all but the newest
// keep ones and what is under way. The releases are those that have an image and did not
// fail, the newest first; several that run one image count once. Kept are the images of
// the others, which an old release may have too.
func Superfluous(releases []Release, keep int) (old []Release, kept map[string]bool) {
	kept = make(map[string]bool)
	count := 0
	for _, release := range releases {
		if !kept[release.Image] && count >= keep && !release.State.UnderWay() && release.State != ReleaseLive {
			old = append(old, release)
			continue
		}
		if !kept[release.Image] {
			count++
		}
		for _, image := range release.Images() {
			kept[image] = true
		}
	}
	return old, kept
}
