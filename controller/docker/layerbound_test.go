package docker

import (
	"errors"
	"testing"

	"github.com/docker/docker/api/types/system"
)

func TestLayerBound_IsAskedForOnlyWhereTheDriverOffersIt(t *testing.T) {
	xfs, ext := [][2]string{{"Backing Filesystem", "xfs"}}, [][2]string{{"Backing Filesystem", "extfs"}}
	for _, one := range []struct {
		info system.Info
		want bool
	}{
		{system.Info{Driver: "overlay2", DriverStatus: xfs}, true},
		{system.Info{Driver: "overlay2", DriverStatus: ext}, false},
		{system.Info{Driver: "btrfs"}, true},
		{system.Info{Driver: "vfs"}, false},
	} {
		if got := offersSize(one.info); got != one.want {
			t.Errorf("%+v: got %v", one.info, got)
		}
	}
}

func TestLayerBound_IsLeftOutOnceTheEngineHasRefusedIt(t *testing.T) {
	bound := layerBound{bytes: 1}
	options := map[string]string{"size": "1"}
	refusal := errors.New("--storage-opt is supported only for overlay over xfs with 'pquota' mount option")
	if bound.refused(nil, refusal) || bound.refused(options, errors.New("no such image")) || bound.rejected {
		t.Error("nothing was refused yet")
	}
	if !bound.refused(options, refusal) || !bound.rejected {
		t.Error("it was refused")
	}
}
