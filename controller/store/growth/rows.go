package growth

import (
	"context"
	"fmt"
)

// Rows are how many rows there are of what the ledger keeps for a time.
type Rows struct {
	Audit      int64
	Sessions   int64
	Refusals   int64 // hours with refused requests
	HostChecks int64 // and certificates that were asked for
}

// CountRows counts the rows.
func (l Ledger) CountRows(ctx context.Context) (rows Rows, err error) {
	err = l.Reader.QueryRowContext(ctx, `
SELECT (SELECT count(*) FROM audit), (SELECT count(*) FROM sessions), (SELECT count(*) FROM limit_refusals),
       (SELECT count(*) FROM host_checks) + (SELECT count(*) FROM certificate_orders)`).
		Scan(&rows.Audit, &rows.Sessions, &rows.Refusals, &rows.HostChecks)
	if err != nil {
		return Rows{}, fmt.Errorf("count rows of the ledger: %w", err)
	}
	return rows, nil
}
