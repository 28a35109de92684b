package app

import "testing"

func TestSuperfluous_KeepsTheNewestImagesAndWhatRuns(t *testing.T) {
	with := func(number int64, image string, state ReleaseState) Release {
		return Release{ReleaseID: ReleaseID{App: "hello", Number: number}, Image: image, State: state, Services: []ServiceRun{{Image: image}}}
	}
	old, kept := Superfluous([]Release{
		with(7, "e", ReleaseStarting),
		with(6, "d", ReleaseSuperseded),
		with(5, "d", ReleaseSuperseded), // new settings: the image is counted once
		with(4, "c", ReleaseLive),
		with(3, "b", ReleaseSuperseded),
		with(2, "d", ReleaseSuperseded),
		with(1, "a", ReleaseSuperseded),
	}, 2)
	if len(old) != 2 || old[0].Number != 3 || old[1].Number != 1 {
		t.Errorf("old are %v", old)
	}
	for image, want := range map[string]bool{"a": false, "b": false, "c": true, "d": true, "e": true} {
		if kept[image] != want {
			t.Errorf("%s is kept: %v", image, kept[image])
		}
	}
}
