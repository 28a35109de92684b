package archive

import "errors"

// mostFaults is the most entries that are set aside: each costs the memory of matching it
// and the folders above it with every pattern of a .dockerignore.
const mostFaults = 2000

// fault is an entry that an archive of an app may have only if no build gets it. The tree
// does not have it, so that it is never written, sent or read.
type fault struct {
	Entry

	refusal *Refusal
}

// setAside stores an entry that is refused, if it may be judged later and the refusal is
// about this entry alone. Otherwise it returns err.
func (c *catalogue) setAside(e Entry, err error) error {
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || !c.later || len(c.faults) >= mostFaults || e.Path == "" || refusal.File == "" {
		return err
	}
	if c.names += len(e.Path); c.names > c.limits.NameBytes {
		return refuseNames(c.limits.NameBytes)
	}
	c.faults = append(c.faults, fault{Entry: e, refusal: refusal})
	return nil
}

// Check refuses the first entry that the layout keeps and an archive may not hold.
func (t *Tree) Check(layout Layout) error {
	for _, f := range t.faults {
		if layout.keeps(f.Entry) {
			return f.refusal
		}
	}
	return nil
}

// faultAt returns the refusal of the entry at path; nil if it has none.
func (t *Tree) faultAt(path string) *Refusal {
	for _, f := range t.faults {
		if f.Path == path {
			return f.refusal
		}
	}
	return nil
}
