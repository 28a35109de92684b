package volume

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// toldEvery is how often a hand-over tells how far it is.
const toldEvery = time.Second

// Handed is what a hand-over has done.
type Handed struct {
	From    Owner // the former owner of the volume's root
	Entries int64 // the number of chowned entries, without the root
}

// HandOver gives the volume's root, and everything below it that belongs to the
// root's owner, to the new owner. Entries of other users do not change. It chowns
// links themselves, never their targets. It calls told now and then with the
// number of entries so far.
//
// The root folder is chowned last, so an interrupted hand-over resumes.
func (s *Session) HandOver(owner Owner, told func(entries int64)) (Handed, error) {
	if _, err := s.ask(request{Verb: verbHand, Owner: owner}); err != nil {
		return Handed{}, err
	}
	var handed Handed
	for decoder := json.NewDecoder(&content{wire: s.wire}); ; {
		if err := decoder.Decode(&handed); errors.Is(err, io.EOF) {
			return handed, nil
		} else if err != nil {
			return Handed{}, fmt.Errorf("hand volume over: %w", err)
		}
		told(handed.Entries)
	}
}

// hand answers with a line of JSON now and then, and with one at the end.
func (k *keeper) hand(owner Owner) error {
	info, err := k.root.Stat(".")
	if err := k.answer(answer{}, err); err != nil || info == nil {
		return err
	}
	handed := Handed{From: describe(info).Owner}
	lines := json.NewEncoder(k.wire)
	if handed.From != owner {
		err = k.handBelow(owner, &handed, func() error { return lines.Encode(handed) })
	}
	if err == nil {
		err = lines.Encode(handed)
	}
	return k.wire.finish(err)
}

func (k *keeper) handBelow(owner Owner, handed *Handed, tell func() error) error {
	told := time.Now()
	err := walk(k.root, "", 0, func(at spot) error {
		if time.Since(told) >= toldEvery {
			told = time.Now()
			if err := tell(); err != nil {
				return err
			}
		}
		if describe(at.info).Owner.User != handed.From.User {
			return nil
		}
		handed.Entries++
		err := explain(Path(at.path), at.folder.Lchown(at.name, owner.User, owner.Group))
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) && refusal.Code == Missing {
			return nil // gone since
		}
		return err
	})
	if err != nil {
		return err
	}
	return k.root.Chown(".", owner.User, owner.Group)
}
