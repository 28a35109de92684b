package broker

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"berth/controller/docker/link"
)

// keptRefusals is how many of the last refusals are told.
const keptRefusals = 50

// refusals are what was refused since the broker began.
type refusals struct {
	mu     sync.Mutex
	report link.BrokerReport
}

func (r *refusals) add(refusal *Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Refused++
	if len(r.report.Recent) == keptRefusals {
		r.report.Recent = r.report.Recent[1:]
	}
	r.report.Recent = append(r.report.Recent, link.BrokerRefusal{
		Number: r.report.Refused, At: time.Now().UTC(), Field: refusal.Field, Reason: refusal.Reason,
	})
}

func (r *refusals) all() link.BrokerReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := r.report
	report.Recent = slices.Clone(report.Recent)
	return report
}

// tell answers the controller's question about what was refused.
func (b *Broker) tell(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(b.refused.all())
}
