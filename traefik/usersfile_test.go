package traefik

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// targetOfAnn has one user with that letter in its hash.
func targetOfAnn(t *testing.T, letter string) Target {
	t.Helper()
	target := helloTarget(t)
	target.Access = Access{Password: true, Users: []User{{Name: "ann", Hash: "$2a$08$" + strings.Repeat(letter, 53)}}}
	return target
}

// usersIn lists the files of users with their contents.
func usersIn(t *testing.T, folder, part string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	names, err := filepath.Glob(filepath.Join(folder, usersFolder, part, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if information, err := os.Stat(name); err != nil || information.Mode().Perm() != 0o600 {
			t.Errorf("others can read %s: %v, %v", name, information.Mode(), err)
		}
		found[filepath.Base(name)] = string(content)
	}
	return found
}

func TestPublisher_HashesAreInFilesOfTheirOwnAlone(t *testing.T) {
	folder := proxyFolder(t)
	publisher := NewPublisher(folder)
	publish(t, publisher, targetOfAnn(t, "a"))
	file, err := os.ReadFile(published(folder))
	if err != nil || bytes.Contains(file, []byte("$2a")) {
		t.Errorf("the configuration holds the hash: %s, %v", file, err)
	}
	users := usersIn(t, folder, appUsers)
	if len(users) != 1 {
		t.Fatalf("got %v", users)
	}
	for name, content := range users {
		if content != "ann:$2a$08$"+strings.Repeat("a", 53)+"\n" || !bytes.Contains(file, []byte("/proxy/users/apps/"+name)) {
			t.Errorf("%s holds %q", name, content)
		}
	}
}

func TestPublisher_OtherUsersAreAnotherFileAndOldOnesGo(t *testing.T) {
	folder := proxyFolder(t)
	publisher := NewPublisher(folder)
	for round, letter := range []string{"a", "b", "c"} {
		publish(t, publisher, targetOfAnn(t, letter))
		if users := usersIn(t, folder, appUsers); len(users) != min(round+1, 2) {
			t.Errorf("round %d: %v", round, users)
		}
	}
	publish(t, publisher, helloTarget(t))
	publish(t, publisher)
	if users := usersIn(t, folder, appUsers); len(users) != 0 {
		t.Errorf("left behind: %v", users)
	}
}

func TestWriteStatic_AnotherPasswordOfTheAPIIsAnotherFile(t *testing.T) {
	folder := t.TempDir()
	options := StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2")}
	for _, random := range []string{"0123456789abcdef", "fedcba9876543210"} {
		options.APIPassword = NewAPIPassword([]byte(random))
		if _, err := WriteStatic(folder, options); err != nil {
			t.Fatal(err)
		}
		users := usersIn(t, folder, dashboardFolder)
		stack, err := os.ReadFile(filepath.Join(folder, dynamicFolder, stackName))
		if err != nil || len(users) != 1 || users[filepath.Base(options.UsersFile("api"))] == "" {
			t.Errorf("got %v, %v", users, err)
		}
		if bytes.Contains(stack, []byte(options.APIPassword)) || bytes.Contains(stack, []byte("{SHA}")) {
			t.Errorf("the configuration holds the password: %s", stack)
		}
	}
}

func TestStatic_TheAPIHearsThisMachineAndBerthAlone(t *testing.T) {
	options := StaticOptions{ProxyAddress: netip.MustParseAddr("10.201.0.2"), Gateway: netip.MustParseAddr("10.201.0.1")}
	options.Dashboard.Controller = netip.MustParseAddr("10.201.0.3")
	stack, err := render(stackTemplate, options)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(stack), "(ClientIP(`10.201.0.1`) || ClientIP(`10.201.0.3`))"); got != 3 {
		t.Errorf("%d of three routers: %s", got, stack)
	}
}
