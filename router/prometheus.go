package router

import (
	"bytes"
	"net/http"

	"berth/controller/metrics/exposition"
)

// showPrometheus tells all that is measured, in the text that Prometheus reads.
func (a *admin) showPrometheus(v *visit) error {
	domains, err := a.domains.Domains(v.context())
	if err != nil {
		return err
	}
	report := exposition.Report{Version: a.version, States: a.metrics.States(), Now: a.now()}
	for _, domain := range domains {
		if !domain.Seen.Until.IsZero() && !domain.Seen.Fallback {
			report.Certificates = append(report.Certificates, exposition.Certificate{Host: string(domain.Host), Ends: domain.Seen.Until})
		}
	}
	var text bytes.Buffer
	exposition.Write(&text, report)
	v.gin.Data(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", text.Bytes())
	return nil
}
