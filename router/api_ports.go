package router

import (
	"net/http"
	"strconv"

	"berth/controller/routing"
	"berth/traefik"
)

// portJSON is a public port of an app as the API shows it.
type portJSON struct {
	Port     uint16            `json:"port"`
	Protocol traefik.Protocol  `json:"protocol"`
	Service  string            `json:"service"` // empty: the main one
	Target   uint16            `json:"target"`
	State    routing.PortState `json:"state"`
}

// portsJSON is the public ports of an app, and the allowed ones that nobody has.
type portsJSON struct {
	Ports []portJSON `json:"ports"`
	Free  []string   `json:"free"`
}

// apiListPorts answers with the app's ports, and with the allowed ports that nobody has.
func (a *admin) apiListPorts(v *visit) error { return a.answerPorts(v, http.StatusOK) }

func (a *admin) answerPorts(v *visit, status int) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	views, err := a.ports.PublicPorts(v.context(), name)
	if err != nil {
		return err
	}
	ports := make([]portJSON, 0, len(views))
	for _, view := range views {
		ports = append(ports, portJSON{view.Port.Number, view.Port.Protocol, view.Service, view.Target, view.State})
	}
	uses, err := a.ports.AllowedPorts(v.context())
	if err != nil {
		return err
	}
	free := []string{}
	for _, use := range uses {
		if use.App == "" {
			free = append(free, use.Port.String())
		}
	}
	return v.json(status, portsJSON{ports, free})
}

// portWish is the port that a request asks for. Without Target the service listens on the
// same number.
type portWish struct {
	Port    string `json:"port"`
	Service string `json:"service"`
	Target  uint16 `json:"target"`
}

// apiCreatePort answers 201 with the app's ports.
func (a *admin) apiCreatePort(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish portWish
	if err := decodeJSON(v.request(), &wish, `{"port": "2222/tcp", "service": "server", "target": 22}`); err != nil {
		return err
	}
	asked, err := parsePort(wish.Port)
	if err != nil {
		return err
	}
	if wish.Target == 0 {
		wish.Target = asked.Number
	}
	port, err := parsePublicPort(name, portForm{Port: asked.String(), Service: wish.Service, Target: strconv.Itoa(int(wish.Target))})
	if err != nil {
		return err
	}
	v.done.detail = port.String()
	if err := a.ports.AddPublicPort(v.context(), port); err != nil {
		return err
	}
	return a.answerPorts(v, http.StatusCreated)
}

// apiDeletePort takes a public port away.
func (a *admin) apiDeletePort(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	port, err := traefik.ParsePort(v.gin.Param("number") + "/" + v.gin.Param("protocol"))
	if err != nil {
		return malformed("That is not a public port.", "Send the protocol and the number, such as /ports/tcp/2222.", err)
	}
	v.done.detail = "removed " + port.String()
	if err := a.ports.RemovePublicPort(v.context(), name, port); err != nil {
		return err
	}
	return a.answerPorts(v, http.StatusOK)
}
