package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// BrokerPath is where the broker tells what it refused. The engine has no such path.
const BrokerPath = "/_broker"

// mostReport bounds what is read of a report, in bytes.
const mostReport = 64 << 10

// ErrNoBroker says that the engine is reached without the broker.
var ErrNoBroker = errors.New("there is no broker before the engine")

// BrokerReport is what the broker refused since it was started.
type BrokerReport struct {
	Since   time.Time       `json:"since"`
	Refused int64           `json:"refused"`
	Recent  []BrokerRefusal `json:"recent"` // the last ones, the newest last
}

// BrokerRefusal is one call that the broker refused. It holds no value of the call.
type BrokerRefusal struct {
	Number int64     `json:"number"` // counts from 1
	At     time.Time `json:"at"`
	Field  string    `json:"field"` // such as HostConfig.Privileged
	Reason string    `json:"reason"`
}

// BrokerReport asks the broker what it refused. ErrNoBroker where there is none.
func (l *Link) BrokerReport(ctx context.Context) (BrokerReport, error) {
	ctx, cancel := Within(ctx, CallTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://broker"+BrokerPath, http.NoBody)
	if err != nil {
		return BrokerReport{}, fmt.Errorf("ask the broker: %w", err)
	}
	response, err := l.API(ctx).HTTPClient().Do(request)
	if err != nil {
		return BrokerReport{}, fmt.Errorf("ask the broker: %w: %w", ErrUnavailable, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return BrokerReport{}, ErrNoBroker
	}
	var report BrokerReport
	if err := json.NewDecoder(io.LimitReader(response.Body, mostReport)).Decode(&report); err != nil || report.Since.IsZero() {
		return BrokerReport{}, ErrNoBroker
	}
	return report, nil
}
