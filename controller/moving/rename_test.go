package moving

import (
	"testing"

	"berth/controller/volume"
)

func TestPathThere_AVolumeOfARenamedComposeAppIsCalledByItsNameThere(t *testing.T) {
	t.Parallel()
	j := &job{key: "shop", move: Move{App: "store"}}
	for here, there := range map[string]string{"shop_data": "store_data", "shop": "shop", "cargo": "cargo", "shopping_data": "shopping_data"} {
		if got := j.pathThere(volume.Name(here)); got != "/api/v1/volumes/"+there {
			t.Errorf("%s is at %s", here, got)
		}
	}
}
