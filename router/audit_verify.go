package router

import (
	"fmt"

	"berth/controller/audit"
)

// verifyAudit checks every entry, and says on the page what it found.
func (a *admin) verifyAudit(v *visit) error {
	v.done.resource = "audit log"
	verdict, err := a.audit.Verify(v.context())
	if err != nil {
		return err
	}
	v.done.detail = verdictWords(verdict)
	if !verdict.Whole() {
		return v.seeResult(auditPath)
	}
	if err := v.notify("Integrity OK: " + entryCount(verdict.Entries) + ", each as it was written."); err != nil {
		return err
	}
	return v.seeOther(auditPath)
}

func verdictWords(verdict audit.Verdict) string {
	if !verdict.Whole() {
		return "integrity broken: " + plural(len(verdict.Findings)+verdict.More, "finding")
	}
	return "integrity OK: " + entryCount(verdict.Entries)
}

func entryCount(count int64) string {
	if count == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", count)
}
