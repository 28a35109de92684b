package compose

import "testing"

func TestRead_VolumeOfOneLetterIsAVolume(t *testing.T) {
	for text, want := range map[string]string{
		"v:/data":           "volume v /data",
		"V:/data":           "volume V /data",
		"v:/data:ro":        "volume v /data ro",
		"v:/data:rw,nocopy": "volume v /data nocopy",
		"${LETTER}:/data":   "volume v /data",
		"vv:/data:ro":       "volume vv /data ro",
	} {
		file, err := Read([]byte("services:\n  web:\n    image: a\n    volumes: [\""+text+"\"]\nvolumes: {v: , V: , vv: }\n"), Options{Variables: map[string]string{"LETTER": "v"}})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		volume := file.Project.Services["web"].Volumes[0]
		got := volume.Type + " " + volume.Source + " " + volume.Target
		if volume.ReadOnly {
			got += " ro"
		}
		if volume.Volume != nil && volume.Volume.NoCopy {
			got += " nocopy"
		}
		if got != want || volume.Bind != nil {
			t.Errorf("%s is read as %s, want %s", text, got, want)
		}
	}
}

func TestRead_VolumeThatNobodyDeclaredIsAVolume(t *testing.T) {
	for text, source := range map[string]string{"v:/data": "v", "v:/data:ro": "v", "data:/data": "data", "${NAME}:/data": "rows"} {
		for _, more := range []string{"", "volumes:\n", "volumes: {other: }\n"} {
			file, err := Read([]byte("services:\n  web:\n    image: a\n    volumes: [\""+text+"\"]\n"+more), Options{Variables: map[string]string{"NAME": "rows"}})
			if err != nil {
				t.Errorf("%s %s: %v", text, more, err)
				continue
			}
			if volume := file.Project.Services["web"].Volumes[0]; volume.Source != source || volume.Type != "volume" {
				t.Errorf("%s is read as %+v", text, volume)
			}
		}
	}
}

func TestRead_PathOfAWindowsDriveStaysNoVolume(t *testing.T) {
	file, err := Read([]byte("services:\n  web:\n    image: a\n    volumes: ['C:/x:/data', 'C:\\x:/y']\nvolumes: {C: }\n"), Options{})
	if err != nil {
		return // refused is well, too
	}
	for _, volume := range file.Project.Services["web"].Volumes {
		if volume.Source == "C" {
			t.Errorf("read as %+v", volume)
		}
	}
}
