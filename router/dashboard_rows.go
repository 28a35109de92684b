package router

import (
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"berth/controller/app"
	"berth/templates"
)

// rowLife is how long a rendered row is good, since it says how long ago things were.
const rowLife = 5 * time.Second

// rowCache keeps the rendered rows of the dashboard for a moment: a hundred of
// them cost more than all else of the page, and most are as they were. It is
// safe for concurrent use; the zero value is ready.
type rowCache struct {
	mu   sync.Mutex
	rows map[app.Name]renderedRow
}

type renderedRow struct {
	row  appRow
	at   time.Time
	html templates.Part
}

// render gives the rows as HTML and keeps them for as long as they are good.
func (c *rowCache) render(pages *templates.Set, rows []appRow) ([]templates.Part, error) {
	c.mu.Lock()
	now := time.Now()
	known := maps.Clone(c.rows)
	c.mu.Unlock()
	fresh := make(map[app.Name]renderedRow, len(rows))
	rendered := make([]templates.Part, 0, len(rows))
	for _, row := range rows {
		kept, ok := known[row.Name]
		if !ok || now.Sub(kept.at) >= rowLife || !reflect.DeepEqual(kept.row, row) {
			html, err := pages.Part("dashboard", "row", row)
			if err != nil {
				return nil, fmt.Errorf("render row of %s: %w", row.Name, err)
			}
			kept = renderedRow{row: row, at: now, html: html}
		}
		fresh[row.Name] = kept
		rendered = append(rendered, kept.html)
	}
	c.keep(fresh, now)
	return rendered, nil
}

// keep adds fresh rows to those that are still good: people look at different pages of the list.
func (c *rowCache) keep(fresh map[app.Name]renderedRow, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		c.rows = make(map[app.Name]renderedRow)
	}
	maps.DeleteFunc(c.rows, func(_ app.Name, kept renderedRow) bool { return now.Sub(kept.at) >= rowLife })
	maps.Copy(c.rows, fresh)
}
