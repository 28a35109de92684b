package set

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"berth/controller/backup/target"
)

// Prune removes the sets that keep does not name, and every object that no set needs. The
// newest set stays whatever keep says. No backup may run meanwhile.
//
// Where the references of a set that stays cannot be read, no object is removed.
func Prune(ctx context.Context, from target.Target, keep []ID) error {
	all, err := List(ctx, from)
	if err != nil || len(all) == 0 {
		return err
	}
	needed, err := neededBy(ctx, from, stay(all, keep))
	if err != nil {
		return err
	}
	if err := removeSets(ctx, from, stay(all, keep)); err != nil {
		return err
	}
	var unneeded []string
	err = from.List(ctx, objectsFolder, func(o target.Object) error {
		if isObject(o.Name) && !needed[o.Name] {
			unneeded = append(unneeded, o.Name)
		}
		return nil
	})
	for _, name := range unneeded {
		err = errors.Join(err, from.Remove(ctx, name))
	}
	return err
}

// stay returns the sets that are kept: the newest always is.
func stay(all, keep []ID) []ID {
	return slices.DeleteFunc(slices.Clone(all), func(id ID) bool { return id != all[0] && !slices.Contains(keep, id) })
}

func neededBy(ctx context.Context, from target.Target, sets []ID) (map[string]bool, error) {
	needed := make(map[string]bool)
	for _, id := range sets {
		text, err := target.Read(ctx, from, id.references(), mostText)
		if err != nil {
			return nil, fmt.Errorf("read what %s needs: %w", id, err)
		}
		objects, ok := parseReferences(text)
		if !ok {
			return nil, fmt.Errorf("%w: what %s needs cannot be read, so nothing is removed", ErrDamaged, id)
		}
		for _, object := range objects {
			needed[object] = true
		}
	}
	return needed, nil
}

func parseReferences(text []byte) ([]string, bool) {
	at := bytes.LastIndex(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) + 1
	if string(text[at:]) != fmt.Sprintf("sha256 %x\n", sha256.Sum256(text[:at])) {
		return nil, false
	}
	return strings.Fields(string(text[:at])), true
}

// removeSets removes what is below sets/ but for those that stay, the manifest of a set
// first: what is half removed is not listed.
func removeSets(ctx context.Context, from target.Target, kept []ID) error {
	var old []string
	err := from.List(ctx, setsFolder, func(o target.Object) error {
		if id, _, ok := setOf(o.Name); ok && !slices.Contains(kept, id) {
			old = append(old, o.Name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(old, func(a, b string) int {
		if manifest := strings.HasSuffix(a, manifestName); manifest != strings.HasSuffix(b, manifestName) {
			return map[bool]int{true: -1, false: 1}[manifest]
		}
		return strings.Compare(a, b)
	})
	for _, name := range old {
		if err := from.Remove(ctx, name); err != nil {
			return fmt.Errorf("remove old backup: %w", err)
		}
	}
	return nil
}
