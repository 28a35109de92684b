package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
)

func TestCreateKey_IsFoundListedUsedAndDeleted(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	who, err := ledger.CreateAccount(ctx, account.Account{Name: "grace", PasswordHash: "x", CreatedAt: noon})
	must(t, err)
	made, err := ledger.CreateKey(ctx, account.Key{Name: "laptop", Kind: "ssh-ed25519", Public: []byte("a"), Account: who.ID, CreatedAt: noon}, 2)
	must(t, err)
	found, err := ledger.FindKey(ctx, []byte("a"))
	must(t, err)
	if made.ID == 0 || made.AccountName != "grace" || !made.UsedAt.IsZero() || !reflect.DeepEqual(found, made) {
		t.Fatalf("made %+v, found %+v", made, found)
	}
	must(t, ledger.RecordKeyUse(ctx, made.ID, noon.Add(time.Hour), "192.0.2.1"))
	listed, err := ledger.Keys(ctx)
	must(t, err)
	if len(listed) != 1 || !listed[0].UsedAt.Equal(noon.Add(time.Hour)) || listed[0].UsedFrom != "192.0.2.1" {
		t.Errorf("listed %+v", listed)
	}
	gone, err := ledger.DeleteKey(ctx, made.ID)
	must(t, err)
	if gone.Name != "laptop" {
		t.Errorf("gone is %+v", gone)
	}
	_, err = ledger.FindKey(ctx, []byte("a"))
	wantError(t, err, problem.ErrNotFound)
	_, err = ledger.DeleteKey(ctx, made.ID)
	wantError(t, err, problem.ErrNotFound)
}

func TestCreateKey_RefusesAKeyTwiceAndTooMany(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	var people []int64
	for i := range 2 {
		who, err := ledger.CreateAccount(ctx, account.Account{Name: fmt.Sprintf("p%d", i), PasswordHash: "x", CreatedAt: noon})
		must(t, err)
		people = append(people, who.ID)
	}
	add := func(owner int64, public string) error {
		_, err := ledger.CreateKey(ctx, account.Key{Name: "k", Kind: "ssh-ed25519", Public: []byte(public), Account: owner, CreatedAt: noon}, 2)
		return err
	}
	must(t, add(people[0], "a"))
	wantError(t, add(people[1], "a"), account.ErrKeyTaken)
	must(t, add(people[0], "b"))
	wantError(t, add(people[0], "c"), account.ErrTooManyKeys)
	must(t, add(people[1], "c"))
	must(t, ledger.DeleteAccount(ctx, people[0]))
	listed, err := ledger.Keys(ctx)
	must(t, err)
	if len(listed) != 1 || listed[0].AccountName != "p1" {
		t.Errorf("keys of a deleted account: %+v", listed)
	}
}
