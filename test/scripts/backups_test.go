package scripts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettings_MountTheFolderOfBackupsAndMakeItWhereItIsMissing(t *testing.T) {
	m := newMachine(t)
	folder := filepath.Join(t.TempDir(), `my "backups"`)
	if output, ended := m.run("settings", "BERTH_BACKUP_FOLDER="+folder); !ended {
		t.Fatal(output)
	}
	var written struct {
		Services struct {
			Berth struct {
				Volumes     []struct{ Type, Source, Target string }
				Environment map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(m.read(".berth/berth/compose.json")), &written); err != nil {
		t.Fatal(err)
	}
	volumes := written.Services.Berth.Volumes
	if len(volumes) != 2 || volumes[1].Source != folder || volumes[1].Target != "/backups" || volumes[1].Type != "bind" {
		t.Errorf("mounted are %+v", volumes)
	}
	if _, handed := written.Services.Berth.Environment["BERTH_BACKUP_FOLDER"]; handed {
		t.Error("the controller gets a path of the host")
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if output, ended := m.run("settings", "BERTH_BACKUP_FOLDER=backups"); ended || !strings.Contains(output, "no absolute path") {
		t.Errorf("a relative path: %s", output)
	}
}
