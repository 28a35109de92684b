package secret

import (
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"
)

// quick does bcrypt's least work; under the race detector the real one takes long.
var quick = hasher{cost: bcrypt.MinCost}

func TestHashPassword_UsesBcryptAtCostTwelve(t *testing.T) {
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != 12 {
		t.Errorf("cost %d, %v", cost, err)
	}
}

func TestHashPassword_RefusesWhatBcryptWouldCutOff(t *testing.T) {
	if _, err := HashPassword(strings.Repeat("é", 37)); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyPassword_AcceptsTheRightOneOnly(t *testing.T) {
	hash := quickHash(t, "correct horse")
	if !quick.verify(hash, "correct horse") {
		t.Error("the right password was refused")
	}
	if quick.verify(hash, "correct horse ") || quick.verify(hash, "") {
		t.Error("a wrong password was accepted")
	}
}

func TestVerifyPassword_RefusesLongPasswordWithTheSameStart(t *testing.T) {
	start := strings.Repeat("x", MaxPasswordBytes)
	if quick.verify(quickHash(t, start), start+"y") {
		t.Error("the bytes after the 72nd were ignored")
	}
}

func TestVerifyPassword_RefusesHashThatIsCheapToGuess(t *testing.T) {
	if (hasher{cost: bcrypt.MinCost + 1}).verify(quickHash(t, "correct horse"), "correct horse") {
		t.Error("a hash of a lower cost was accepted")
	}
}

func TestVerifyPassword_WorksAsLongForAMissingAccount(t *testing.T) {
	slow := hasher{cost: bcrypt.MinCost + 4}
	if err := bcrypt.CompareHashAndPassword(slow.dummy(), []byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Fatalf("the dummy hash is not compared to its end: %v", err)
	}
	hash, err := slow.hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	wrong := fastestOf(3, func() { slow.verify(hash, "wrong") })
	for name, missing := range map[string]string{"empty hash": "", "malformed hash": "x"} {
		took := fastestOf(3, func() { slow.verify(missing, "wrong") })
		if took < wrong/3 || took > wrong*3 {
			t.Errorf("%s took %s, a real one %s", name, took, wrong)
		}
	}
}

func quickHash(t *testing.T, password string) string {
	t.Helper()
	hash, err := quick.hash(password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestNewOneTimePassword_IsThreeGroupsWithoutLookalikes(t *testing.T) {
	pattern := regexp.MustCompile(`^[2-9A-HJ-NP-Z]{4}(-[2-9A-HJ-NP-Z]{4}){2}$`)
	seen := map[string]bool{}
	for range 1000 {
		password := NewOneTimePassword()
		if !pattern.MatchString(password) || seen[password] {
			t.Fatalf("got %q", password)
		}
		seen[password] = true
	}
	if len(oneTimeAlphabet) != 32 {
		t.Errorf("%d letters do not divide a byte evenly", len(oneTimeAlphabet))
	}
}

// fastestOf is the least processor time that the work takes. A busy machine changes little
// of it.
func fastestOf(runs int, work func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fastest := time.Hour
	for range runs {
		start := processorTime()
		work()
		fastest = min(fastest, processorTime()-start)
	}
	return fastest
}

// processorTime is what this thread has used.
func processorTime() time.Duration {
	var used unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
