package audit

import "slices"

// walker follows a chain from its first entry, and finds errors.
type walker struct {
	chain   chain
	place   string
	verdict *Verdict

	expected int64      // sequence of the next entry
	previous string     // the hash that the next entry must hold; empty if unknown
	forged   int64      // the last entry that was changed or inserted
	spoiled  int64      // lines since the last entry that are not entries
	missing  []sequence // not seen yet, although later entries were
	last     Entry      // the good entry of the highest sequence
	good     int64
	begin    Base // before the first kept entry; zero once an entry came
}

// sequence is a range of entries, with both ends.
type sequence struct{ from, to int64 }

func newWalker(chain chain, place string, verdict *Verdict, base Base) *walker {
	w := &walker{chain: chain, place: place, verdict: verdict, expected: 1, previous: genesis, begin: base}
	if base.Count > 0 {
		w.expected, w.previous = base.Count+1, base.Hash
	}
	return w
}

// base checks the record of what was removed.
func (w *walker) base(base Base) {
	if !w.chain.sealedBase(base) {
		w.find(base.Count, "the record of the removed entries was changed: entries up to %d may be missing", base.Count)
	}
}

// start lets a file begin with older entries than the ledger: it is an older copy, or was
// not shortened yet. Among themselves they are checked all the same.
func (w *walker) start(e Entry) {
	if e.Sequence <= w.begin.Count && w.chain.holds(e) {
		w.expected, w.previous = e.Sequence, ""
	}
	w.begin = Base{}
}

// entry takes the next entry.
func (w *walker) entry(e Entry) {
	w.start(e)
	switch {
	case !w.chain.holds(e):
		w.find(e.Sequence, "entry %d was changed or put in", e.Sequence)
		if e.Sequence == w.expected {
			w.forged, w.previous = e.Sequence, ""
			w.expected++
		}
	case e.Sequence < w.expected && e.Sequence == w.forged:
		w.forged = 0 // the forged entry was inserted before it
		w.accept(e)
	case e.Sequence < w.expected && w.takeMissing(e.Sequence):
		w.find(e.Sequence, "entry %d stands in the wrong place", e.Sequence)
	case e.Sequence < w.expected:
		w.find(e.Sequence, "entry %d is there twice", e.Sequence)
	case e.Sequence > w.expected:
		w.gap(e.Sequence)
		w.accept(e)
	default:
		w.link(e)
		w.accept(e)
	}
}

// damaged takes a line that is not an entry.
func (w *walker) damaged(line int) {
	w.find(w.expected, "line %d, where entry %d is expected, is no entry", line, w.expected)
	w.spoiled++
}

func (w *walker) accept(e Entry) {
	w.good++
	w.expected, w.previous, w.spoiled, w.last = e.Sequence+1, e.Hash, 0, e
}

// link checks that the entry follows the one before it.
func (w *walker) link(e Entry) {
	switch {
	case w.previous == "" || e.Previous == w.previous:
	case e.Previous == broken:
		w.find(e.Sequence, "before entry %d the end of the chain had been removed or changed: entries may be missing there", e.Sequence)
	default:
		w.find(e.Sequence, "entry %d does not follow the one before it: the log had been set back to an older state", e.Sequence)
	}
}

// gap notes the entries before the one that came. Each line that is not an entry counts
// as one of them.
func (w *walker) gap(came int64) {
	if from := w.expected + w.spoiled; from < came {
		w.missing = append(w.missing, sequence{from, came - 1})
	}
}

// takeMissing reports whether the entry was missing until now.
func (w *walker) takeMissing(found int64) bool {
	for i, span := range w.missing {
		if found < span.from || found > span.to {
			continue
		}
		var left []sequence
		if span.from < found {
			left = append(left, sequence{span.from, found - 1})
		}
		if found < span.to {
			left = append(left, sequence{found + 1, span.to})
		}
		w.missing = slices.Replace(w.missing, i, i+1, left...)
		return true
	}
	return false
}

// end reports the entries that are still missing.
func (w *walker) end() {
	for _, span := range w.missing {
		w.find(span.from, "%s", missingEntries(span.from, span.to))
	}
}

// head compares the end of the walk with the head of the ledger.
func (w *walker) head(head Head) {
	reached := w.expected - 1
	switch {
	case head == Head{} && reached == 0:
	case head == Head{}:
		w.find(reached, "the head record is missing: entries after %d may be missing too", reached)
	case !w.chain.sealed(head):
		w.find(reached, "the head record was changed: entries after %d may be missing", reached)
	case head.Count > reached:
		w.find(reached+1, "%s at the end", missingEntries(reached+1, head.Count))
	case head.Count < reached && w.forged == reached: // reported already
	case head.Count < reached:
		w.find(head.Count, "the head record is that of entry %d, an older one", head.Count)
	case w.last.Sequence == head.Count && w.last.Hash != head.Hash:
		w.find(reached, "entry %d is another one than the head record says", reached)
	}
}

func (w *walker) find(sequence int64, what string, arguments ...any) {
	w.verdict.find(w.place, sequence, what, arguments...)
}
