package store_test

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

func fullAccess() traefik.Access {
	return traefik.Access{
		Password:        true,
		Users:           []traefik.User{{Name: "ann", Hash: "$2a$08$" + strings.Repeat("x", 53)}},
		Allow:           []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/48")},
		Rate:            traefik.Rate{Requests: 5, Period: time.Minute, Burst: 9},
		MaxBodyBytes:    1 << 20,
		Headers:         traefik.ResponseHeaders{FrameOptions: "DENY", ReferrerPolicy: "origin", PermissionsPolicy: "camera=()", ContentSecurityPolicy: "default-src 'self'", NoSniff: true},
		NoSlashRedirect: true, EncodedPaths: traefik.EncodedSlash,
		Maintenance: traefik.Maintenance{On: true, Text: "Back \"soon\"\n<b>"},
	}
}

func TestUpdateAccess_IsReadBackWithTheAppAndTheTable(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	app, err := ledger.FindApp(ctx, "hello")
	must(t, err)
	if !reflect.DeepEqual(app.Access, traefik.Access{}) {
		t.Errorf("a new app has %+v", app.Access)
	}
	must(t, ledger.UpdateAccess(ctx, "hello", fullAccess()))
	app, err = ledger.FindApp(ctx, "hello")
	must(t, err)
	table, err := ledger.Table(ctx)
	must(t, err)
	if !reflect.DeepEqual(app.Access, fullAccess()) || len(table.Routings) != 1 || !reflect.DeepEqual(table.Routings[0].Access, fullAccess()) {
		t.Errorf("app has %+v, table %+v", app.Access, table.Routings)
	}
	must(t, ledger.UpdateAccess(ctx, "hello", traefik.Access{Password: true}))
	table, err = ledger.Table(ctx)
	must(t, err)
	if !table.Routings[0].Access.Closed() {
		t.Errorf("not closed: %+v", table.Routings[0].Access)
	}
}

func TestUpdateAccess_HoldsWhileAReleaseIsUnderWayAndAfterIt(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	next := nextRelease(t, ledger, "hello")
	must(t, ledger.UpdateAccess(ctx, "hello", fullAccess()))
	promoted(t, ledger, next.ReleaseID)
	table, err := ledger.Table(ctx)
	must(t, err)
	if len(table.Routings) != 1 || table.Routings[0].Release != 2 || !table.Routings[0].Access.Password {
		t.Errorf("table %+v", table)
	}
}

func TestUpdateAccess_RefusesAnAppThatIsNotThere(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	wantError(t, ledger.UpdateAccess(ctx, "hello", fullAccess()), problem.ErrNotFound)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	must(t, ledger.UpdateWanted(ctx, "hello", app.WantedDeleted))
	wantError(t, ledger.UpdateAccess(ctx, "hello", fullAccess()), problem.ErrNotFound)
}

func TestTable_StoppedAppHasItsRouteForAPage(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	must(t, ledger.UpdateWanted(ctx, "hello", app.WantedStopped))
	for _, on := range []bool{true, false} {
		must(t, ledger.UpdateAccess(ctx, "hello", traefik.Access{Maintenance: traefik.Maintenance{On: on, Text: "x"}}))
		table, err := ledger.Table(ctx)
		must(t, err)
		if len(table.Routings) != 1 || !table.Routings[0].Unavailable {
			t.Errorf("maintenance %t: %+v", on, table)
		}
	}
	must(t, ledger.UpdateAccess(ctx, "hello", traefik.Access{Maintenance: traefik.Maintenance{On: true}}))
	must(t, ledger.UpdateWanted(ctx, "hello", app.WantedDeleted))
	if table, err := ledger.Table(ctx); err != nil || len(table.Routings) != 0 {
		t.Errorf("a deleted app is routed: %+v, %v", table, err)
	}
}
