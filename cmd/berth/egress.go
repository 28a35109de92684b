package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/egress"
)

// egressAnswer is what the API says of where an app may connect to.
type egressAnswer struct {
	Mode    string   `json:"egress"`
	Hosts   []string `json:"egress_hosts"`
	Refused []struct {
		To    string    `json:"to"`
		Why   string    `json:"why"`
		Count int64     `json:"count"`
		Last  time.Time `json:"last"`
	} `json:"refused"`
}

// egressWish is what a person wants of it.
type egressWish struct {
	verb  string // open, list, none or allow; empty only shows
	hosts egress.Hosts
}

// runEgress shows and changes where an app may connect to.
func runEgress(ctx context.Context, p *program, args []string) error {
	flags := newFlags("egress")
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return &usageError{errors.New("berth egress takes the name of an app; see berth help egress")}
	}
	name, err := app.ParseName(words[0])
	if err != nil {
		return &usageError{err}
	}
	wish, err := parseEgressWish(words[1:])
	if err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, routeTimeout)
	defer cancel()
	var has egressAnswer
	if err := api.find(ctx, appPath(name)+"/egress", &has); err != nil {
		return err
	}
	if wish.verb == "" {
		return p.show(api, func() error { return p.printEgress(has) })
	}
	return p.sendEgress(ctx, api, name, wish.body(has))
}

func parseEgressWish(words []string) (egressWish, error) {
	if len(words) == 0 {
		return egressWish{}, nil
	}
	wish := egressWish{verb: words[0]}
	if !slices.Contains([]string{"open", "none", "list", "allow"}, wish.verb) {
		return egressWish{}, &usageError{fmt.Errorf("berth egress takes no %.60q; see berth help egress", wish.verb)}
	}
	hosts := words[1:]
	if len(hosts) > 0 && (wish.verb == "open" || wish.verb == "none") || len(hosts) == 0 && wish.verb == "allow" {
		return egressWish{}, &usageError{errors.New("hosts stand behind list and allow alone; see berth help egress")}
	}
	var err error
	if wish.hosts, err = egress.ParseHosts(strings.Join(hosts, "\n")); err != nil {
		return egressWish{}, &usageError{err}
	}
	return wish, nil
}

// body is what the API is sent. A list without hosts is the one that the app has.
func (w egressWish) body(has egressAnswer) map[string]any {
	switch {
	case w.verb == "allow":
		return map[string]any{"egress": "list", "egress_hosts": append(slices.Clone(has.Hosts), w.hosts.List()...)}
	case w.hosts == "":
		return map[string]any{"egress": w.verb}
	default:
		return map[string]any{"egress": w.verb, "egress_hosts": w.hosts.List()}
	}
}

// sendEgress prints the release that makes the change, where something runs.
func (p *program) sendEgress(ctx context.Context, api *client, name app.Name, body map[string]any) error {
	var answer struct {
		Number int64 `json:"number"`
	}
	if err := api.sendJSON(ctx, http.MethodPut, appPath(name)+"/egress", body, &answer); err != nil {
		return err
	}
	if answer.Number == 0 {
		_, err := fmt.Fprintln(p.stdout, "Saved for the next deploy.")
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "Release r%d is under way.\n", answer.Number)
	return err
}

// printEgress prints the mode, the hosts, and what was refused.
func (p *program) printEgress(has egressAnswer) error {
	_, _ = fmt.Fprintln(p.stdout, has.Mode)
	if has.Mode == string(egress.List) {
		for _, host := range has.Hosts {
			_, _ = fmt.Fprintln(p.stdout, "  "+host)
		}
	}
	if len(has.Refused) == 0 {
		return nil
	}
	table := p.table()
	_, _ = fmt.Fprintln(table, "\nREFUSED\tWHY\tCOUNT\tLAST")
	for _, one := range has.Refused {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", one.To, one.Why, one.Count, one.Last.Format(time.RFC3339))
	}
	return table.Flush()
}
