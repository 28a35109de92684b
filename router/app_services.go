package router

import "berth/controller"

// serviceRow is one service of an app on the app's page.
type serviceRow struct {
	controller.ServiceView
	State badge
}

func serviceRows(services []controller.ServiceView) []serviceRow {
	rows := make([]serviceRow, 0, len(services))
	for _, service := range services {
		row := serviceRow{ServiceView: service, State: appBadge(service.Observed.State)}
		if service.Observed.State == "" {
			row.State = badge{Word: "not seen yet", Tone: toneIdle}
		}
		rows = append(rows, row)
	}
	return rows
}
