package store_test

import "testing"

func TestPulls_AreOfOneEngineAndUsedByWhatIsThereAlone(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	must(t, ledger.NotePull(ctx, "here", "sha256:a", "web:1"))
	must(t, ledger.NotePull(ctx, "here", "sha256:b", "web:2"))
	must(t, ledger.NoteUse(ctx, "here", "sha256:a"))
	must(t, ledger.NoteUse(ctx, "here", "sha256:strangers"))
	must(t, ledger.NoteUse(ctx, "elsewhere", "sha256:a"))
	pulls, err := ledger.ListPulls(ctx, "here")
	must(t, err)
	if len(pulls) != 2 || pulls[0].Image != "sha256:b" || pulls[1].Reference != "web:1" || pulls[1].Used.Before(pulls[0].Used) {
		t.Errorf("here: %+v", pulls)
	}
	if pulls, err := ledger.ListPulls(ctx, "elsewhere"); err != nil || len(pulls) != 0 {
		t.Errorf("on a machine that the ledger moved to: %+v, %v", pulls, err)
	}
	must(t, ledger.ForgetPull(ctx, "here", "sha256:b"))
	if pulls, err := ledger.ListPulls(ctx, "here"); err != nil || len(pulls) != 1 {
		t.Errorf("after one is gone: %+v, %v", pulls, err)
	}
}
