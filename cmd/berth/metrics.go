package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"berth/controller/app"
	"berth/controller/chart"
)

// chartsAnswer is what the API says was measured, as far as it is needed here.
type chartsAnswer struct {
	Charts []struct {
		Title, Unit string
		Lines       []struct {
			Name   string
			Values []*float64
		}
	}
}

// runMetrics prints what an app, or the server, has taken and answered: the last value of each
// line, its mean and its highest.
func runMetrics(ctx context.Context, p *program, args []string) error {
	flags := newFlags("metrics")
	past := flags.String("range", "hour", "how much of the past: hour, day, week or month")
	service := flags.String("service", "", "one service of a compose app")
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	path := "/api/v1/metrics"
	switch len(words) {
	case 0:
	case 1:
		name, err := app.ParseName(words[0])
		if err != nil {
			return &usageError{err}
		}
		path = appPath(name) + "/metrics"
	default:
		return &usageError{errors.New("berth metrics takes the name of one app; without one it is the server")}
	}
	query := url.Values{"range": {*past}}
	if *service != "" {
		query.Set("service", *service)
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	var answer chartsAnswer
	if err := api.find(ctx, path+"?"+query.Encode(), &answer); err != nil {
		return err
	}
	return p.show(api, func() error { return p.printCharts(answer) })
}

func (p *program) printCharts(answer chartsAnswer) error {
	table := p.table()
	_, _ = fmt.Fprintln(table, "MEASURED\tLINE\tLAST\tMEAN\tHIGHEST")
	for _, one := range answer.Charts {
		for _, line := range one.Lines {
			last, mean, highest, ok := summary(line.Values)
			if !ok {
				continue
			}
			unit, _ := chart.UnitNamed(one.Unit)
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", one.Title, line.Name, unit.Words(last), unit.Words(mean), unit.Words(highest))
		}
	}
	return table.Flush()
}

// summary is of the values that were measured; false where there is none.
func summary(values []*float64) (last, mean, highest float64, ok bool) {
	count, sum := 0, 0.0
	for _, value := range values {
		if value == nil {
			continue
		}
		count, sum, last = count+1, sum+*value, *value
		highest = max(highest, *value)
	}
	if count == 0 {
		return 0, 0, 0, false
	}
	return last, sum / float64(count), highest, true
}
