package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/traefik"
)

// portsAnswer is what the API says of the public ports of an app.
type portsAnswer struct {
	Ports []struct {
		Port     uint16           `json:"port"`
		Protocol traefik.Protocol `json:"protocol"`
		Service  string           `json:"service"`
		Target   uint16           `json:"target"`
		State    string           `json:"state"`
	} `json:"ports"`
	Free []string `json:"free"`
}

// portTarget is where a new public port leads.
type portTarget struct {
	service string
	port    uint64 // 0: the number of the public one
}

// runPort shows and changes the public ports of an app.
func runPort(ctx context.Context, p *program, args []string) error {
	flags := newFlags("port")
	line := p.addLineFlags(flags)
	var target portTarget
	flags.StringVar(&target.service, "service", "", "with add: the service of the compose file that the port leads to; empty: the main one")
	flags.Uint64Var(&target.port, "target", 0, "with add: where the service listens; 0: on the same number")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return &usageError{errors.New("berth ports takes the name of an app and what to do; see berth help ports")}
	}
	name, err := app.ParseName(words[0])
	if err != nil {
		return &usageError{err}
	}
	wish, err := portRequestOf(words[1], words[2:], target)
	if err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, routeTimeout)
	defer cancel()
	var answer portsAnswer
	if wish.method == http.MethodGet {
		err = api.find(ctx, appPath(name)+"/ports", &answer)
	} else {
		err = api.sendJSON(ctx, wish.method, appPath(name)+"/ports"+wish.path, wish.body, &answer)
	}
	if err != nil {
		return err
	}
	return p.show(api, func() error { return p.printPorts(answer) })
}

// portRequest is a request about public ports as the API takes it.
type portRequest struct {
	method, path string // below the app's ports
	body         any
}

// portRequestOf is what a verb and its words ask for.
func portRequestOf(verb string, words []string, target portTarget) (portRequest, error) {
	counts := map[string]int{"list": 0, "add": 1, "remove": 1}
	count, known := counts[verb]
	switch {
	case !known:
		return portRequest{}, &usageError{fmt.Errorf("berth ports takes no %.60q; see berth help ports", verb)}
	case len(words) != count:
		return portRequest{}, &usageError{fmt.Errorf("berth ports %s takes %d more words, not %d; see berth help ports", verb, count, len(words))}
	case count == 0:
		return portRequest{method: http.MethodGet}, nil
	}
	port, err := traefik.ParsePort(words[0])
	if invalid, ok := errors.AsType[*traefik.InvalidError](err); ok {
		return portRequest{}, &usageError{fmt.Errorf("%.60q: %s %s", words[0], invalid.Reason, invalid.Hint)}
	}
	if verb == "remove" {
		return portRequest{method: http.MethodDelete, path: "/" + string(port.Protocol) + "/" + strconv.Itoa(int(port.Number))}, nil
	}
	return portRequest{method: http.MethodPost, body: map[string]any{"port": port.String(), "service": target.service, "target": target.port}}, nil
}

// printPorts prints the ports of an app, and beside them the allowed ones that are free.
func (p *program) printPorts(answer portsAnswer) error {
	table := p.table()
	_, _ = fmt.Fprintln(table, "PORT\tSTATE\tSERVICE\tTARGET")
	for _, port := range answer.Ports {
		service := port.Service
		if service == "" {
			service = "(main)"
		}
		_, _ = fmt.Fprintf(table, "%d/%s\t%s\t%s\t%d\n", port.Port, port.Protocol, port.State, service, port.Target)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(answer.Free) > 0 {
		_, _ = fmt.Fprintf(p.stderr, "Free: %s\n", strings.Join(answer.Free, ", "))
	}
	return nil
}
