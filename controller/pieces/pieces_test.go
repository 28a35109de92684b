package pieces_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"berth/controller/pieces"
)

func noise(seed byte, bytes int) []byte {
	data := make([]byte, bytes)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func baseOf(t *testing.T, content []byte) *pieces.Base {
	t.Helper()
	base, err := pieces.NewBase(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// delta is content as the difference from base.
func delta(t *testing.T, base *pieces.Base, content []byte) []byte {
	t.Helper()
	sums, err := pieces.List(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var sent bytes.Buffer
	if err := pieces.Write(&sent, bytes.NewReader(content), base.Missing(sums)); err != nil {
		t.Fatal(err)
	}
	return sent.Bytes()
}

func TestExpand_MakesTheArchiveOfItsDifference(t *testing.T) {
	t.Parallel()
	before := noise(1, 20<<20)
	changed := bytes.Clone(before)
	copy(changed[7<<20:], noise(2, 1000))
	for name, after := range map[string][]byte{
		"the same":  before,
		"changed":   changed,
		"inserted":  append(append(bytes.Clone(before[:5<<20]), noise(3, 500)...), before[5<<20:]...),
		"cut":       before[:3<<20],
		"another":   noise(4, 1<<20),
		"nothing":   {},
		"one byte":  {1},
		"all zeros": make([]byte, 3<<20),
	} {
		base := baseOf(t, before)
		sent := delta(t, base, after)
		got, err := io.ReadAll(base.Expand(iotest.OneByteReader(bytes.NewReader(sent))))
		if err != nil || !bytes.Equal(got, after) {
			t.Errorf("%s: %d bytes instead of %d, %v", name, len(got), len(after), err)
		}
		if similar := name == "the same" || name == "changed" || name == "inserted"; similar && len(sent) > len(after)/25 {
			t.Errorf("%s: %d bytes are sent of %d", name, len(sent), len(after))
		}
	}
}

func TestExpand_RefusesWhatIsNotADifferenceFromItsBase(t *testing.T) {
	t.Parallel()
	before := noise(1, 1<<20)
	after := append(noise(2, 100<<10), before...)
	base := baseOf(t, before)
	good := delta(t, base, after)
	changed := func(at int) []byte {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		return bad
	}
	long := append([]byte("berth pieces 1\n"), 'n', 0xff, 0xff, 0xff, 0xff)
	for name, one := range map[string]struct {
		stream []byte
		want   error
	}{
		"nothing":           {nil, pieces.ErrMalformed},
		"a ZIP":             {[]byte("PK\x03\x04 and more of it"), pieces.ErrMalformed},
		"cut short":         {good[:len(good)/2], pieces.ErrMalformed},
		"without its end":   {good[:len(good)-33], pieces.ErrMalformed},
		"longer":            {append(bytes.Clone(good), 0), pieces.ErrMalformed},
		"a piece of 4 GB":   {long, pieces.ErrMalformed},
		"a changed piece":   {changed(40), pieces.ErrUnknown},
		"a changed sum":     {changed(len(good) - 40), pieces.ErrUnknown},
		"another whole sum": {changed(len(good) - 1), pieces.ErrUnknown},
	} {
		if _, err := io.ReadAll(base.Expand(bytes.NewReader(one.stream))); !errors.Is(err, one.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := io.ReadAll(baseOf(t, noise(9, 1<<20)).Expand(bytes.NewReader(good))); !errors.Is(err, pieces.ErrUnknown) {
		t.Errorf("another base: %v", err)
	}
	broken := errors.New("the line broke")
	if _, err := io.ReadAll(base.Expand(io.MultiReader(bytes.NewReader(good[:1000]), iotest.ErrReader(broken)))); !errors.Is(err, broken) {
		t.Errorf("a broken line: %v", err)
	}
}

func TestSum_IsHexadecimalText(t *testing.T) {
	t.Parallel()
	sum := pieces.Sum(sha256.Sum256([]byte("a")))
	text, err := json.Marshal(sum)
	if err != nil {
		t.Fatal(err)
	}
	var again pieces.Sum
	if err := json.Unmarshal(text, &again); err != nil || again != sum {
		t.Errorf("%s is %v, %v", text, again, err)
	}
	for _, bad := range []string{`""`, `"ab"`, `"zz"`, `"` + string(bytes.Repeat([]byte("ab"), 33)) + `"`, `"` + string(bytes.Repeat([]byte("zz"), 32)) + `"`} {
		if err := json.Unmarshal([]byte(bad), &again); err == nil {
			t.Errorf("%s is a sum", bad)
		}
	}
}
