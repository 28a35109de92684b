package router

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"berth/controller/audit"
)

// exportBuffer is how much of an export is held before it is sent.
const exportBuffer = 64 << 10

var csvHeader = []string{
	"sequence", "timestamp", "action", "success", "user", "client_ip", "resource", "detail",
	"user_agent", "request_id", "previous", "hash",
}

// exportAudit sends the entries that pass the filter, the oldest first, as lines
// of JSON or as a table for a spreadsheet.
func (a *admin) exportAudit(v *visit) error {
	typed := typedAuditFilter(v.request().URL.Query())
	filter, problems := typed.parse()
	if problem := problems.first(); problem != nil {
		return problem
	}
	format := "jsonl"
	if v.gin.Query("format") == "csv" {
		format = "csv"
	}
	v.attach(fmt.Sprintf("berth-audit-%s.%s", a.now().UTC().Format(dateLayout), format))
	count := int64(0)
	out := newAuditExport(v, format)
	err := a.audit.Each(v.context(), filter, func(entry audit.Entry) error {
		count++
		return out.write(entry)
	})
	v.done.resource = "audit log"
	v.done.detail = format + ", " + entryCount(count)
	if typed.set() {
		v.done.detail += ", filtered"
	}
	if endErr := out.end(); err == nil {
		err = endErr
	}
	if err != nil {
		v.done.detail = "broken off: " + v.done.detail
	}
	return err
}

// auditExport writes entries to a reader who may be slow, but not for ever.
type auditExport struct {
	buffer *bufio.Writer
	csv    *csv.Writer // nil for lines of JSON
	to     *pacedWriter
}

func newAuditExport(v *visit, format string) *auditExport {
	to := &pacedWriter{writer: v.gin.Writer, controller: http.NewResponseController(v.gin.Writer), now: v.admin.now}
	e := &auditExport{buffer: bufio.NewWriterSize(to, exportBuffer), to: to}
	if format == "csv" {
		v.gin.Header("Content-Type", "text/csv; charset=utf-8; header=present")
		e.csv = csv.NewWriter(e.buffer)
		_ = e.csv.Write(csvHeader) // end tells what went wrong
		return e
	}
	v.gin.Header("Content-Type", "application/x-ndjson")
	return e
}

func (e *auditExport) write(entry audit.Entry) error {
	if e.csv != nil {
		return e.csv.Write(csvRow(entry))
	}
	_, err := e.buffer.Write(entry.Line())
	return err
}

func (e *auditExport) end() error {
	defer e.to.end()
	if e.csv != nil {
		e.csv.Flush()
		if err := e.csv.Error(); err != nil {
			return err
		}
	}
	return e.buffer.Flush()
}

func csvRow(e audit.Entry) []string {
	row := []string{
		strconv.FormatInt(e.Sequence, 10), e.Timestamp(), string(e.Action), strconv.FormatBool(e.Success), e.Account, e.Address,
		e.Resource, e.Detail, e.UserAgent, e.RequestID, e.Previous, e.Hash,
	}
	for i, cell := range row {
		row[i] = defuse(cell)
	}
	return row
}

// defuse puts an apostrophe before what a spreadsheet would run: a sign that
// begins a formula at the beginning of the cell, and also after what could end
// the cell for a reader with other ideas about quotes and separators.
func defuse(cell string) string {
	var made strings.Builder
	begins := true
	for _, r := range cell {
		if begins && strings.ContainsRune("=+-@\t\r＝＋－＠", r) {
			made.WriteByte('\'')
		}
		begins = strings.ContainsRune("\"',;|\t\r\n", r) || begins && r == ' '
		made.WriteRune(r)
	}
	return made.String()
}

// pacedWriter gives up on a reader that takes nothing for writeTimeout.
type pacedWriter struct {
	writer     http.ResponseWriter
	controller *http.ResponseController
	now        func() time.Time
}

// Write sends text on.
func (p *pacedWriter) Write(text []byte) (int, error) {
	// Not every connection has deadlines; those without need none.
	_ = p.controller.SetWriteDeadline(p.now().Add(writeTimeout))
	return p.writer.Write(text)
}

// end gives the connection back without a deadline.
func (p *pacedWriter) end() { _ = p.controller.SetWriteDeadline(time.Time{}) }
