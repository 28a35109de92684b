package holes

import "testing"

func TestTable_HasVersionsThatCanBeRead(t *testing.T) {
	t.Parallel()
	for _, hole := range table {
		if len(hole.Fixed) == 0 || hole.Advisory == "" || hole.What == "" {
			t.Errorf("%+v is not whole", hole)
		}
		for i, version := range hole.Fixed {
			numbers, known := parse(version)
			if !known || i > 0 && compare(mustParse(hole.Fixed[i-1]), numbers) >= 0 {
				t.Errorf("%s: %q cannot be read, or is not after the one before", hole.Advisory, version)
			}
		}
	}
}

func TestOf_KnowsTheBranchThatAVersionIsOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		program Program
		version string
		found   int
		update  string
		known   bool
	}{
		{Engine, "20.10.24+dfsg1", 6, "29.5.1", true},
		{Engine, "29.5.1", 0, "", true},
		{Engine, "v29.4.0", 3, "29.5.1", true},
		{Engine, "30.0.0", 0, "", true},
		{Engine, "library-import", 0, "", false},
		{Engine, "", 0, "", false},
		{Runc, "1.1.5+ds1", 4, "1.3.3", true},
		{Runc, "1.1.12", 3, "1.3.3", true},
		{Runc, "1.2.7", 3, "1.2.8", true},
		{Runc, "1.2.8", 0, "", true},
		{Runc, "1.3.2", 3, "1.3.3", true},
		{Runc, "1.4.0-rc.3", 0, "", true},
		{BuildKit, "24.0.9", 5, "29.0.0", true},
		{BuildKit, "25.0.1", 5, "29.0.0", true},
		{BuildKit, "29.5.1", 0, "", true},
		{Traefik, "3.7.9", 2, "3.7.13", true},
		{Traefik, "v3.7.13", 0, "", true},
		{Traefik, "3.8", 0, "", true},
	} {
		found, update, known := Of(test.program, test.version)
		if len(found) != test.found || update != test.update || known != test.known {
			t.Errorf("%s %s: %d holes, update to %q, known %v", test.program, test.version, len(found), update, known)
		}
	}
}
