//go:build linux && cgo

package main

import (
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"berth/controller"
	"berth/controller/audit"
	"berth/controller/backup"
	"berth/controller/certificates"
	"berth/controller/checklist"
	"berth/controller/docker"
	"berth/controller/reach"
	"berth/controller/refusals"
	"berth/traefik"
)

// checked is what the checklist looks at.
type checked struct {
	on       opened
	adminTLS *adminCertificates
	audit    *audit.Log
	engine   *docker.Engine
	proxy    *traefik.Client
	domains  *certificates.Certificates
	story    *controller.Controller
	backups  *backup.Backups
}

// newChecklist returns the checklist, with the watch of the broker and the prober that it asks.
func newChecklist(config Config, of checked, logger *slog.Logger) (*refusals.Watch, *checklist.Checklist, *reach.Prober) {
	refused := refusals.New(of.engine, of.audit, logger)
	prober := reach.New(reach.Options{
		Ledger: of.on.ledger, Engine: of.engine, Proxy: of.proxy, Machine: config.probedMachine(), Subscribe: of.story.Subscribe, Logger: logger,
	})
	return refused, checklist.New(checklist.Options{
		Accounts: of.on.accounts, Audit: of.audit, Broker: refused, Engine: of.engine, Proxy: of.proxy, Apps: of.on.ledger,
		Ports: of.story.Routing(), Domains: of.domains, Reach: prober, Backups: of.backups, Heartbeat: of.on.ledger,
		OpenFiles: func() ([]string, error) { return openFiles(config.DataFolder) },
		Facts:     config.facts(of.adminTLS), Logger: logger,
	}), prober
}

func (c Config) facts(adminTLS *adminCertificates) checklist.Facts {
	return checklist.Facts{
		SecretKeyBytes: len(c.SecretKey), ForceHTTPS: c.ForceHTTPS, AdminLocal: c.AdminListen.Addr().IsLoopback(), AdminPublic: string(c.AdminPublicHost), OwnCertificate: c.CertificateFile != "",
		AdminPort: c.AdminListen.Port(), DashboardPort: traefik.DashboardPort,
		AppsApart: c.AppsApart, BuildsApart: c.BuildsApart, BuildsLimited: c.BuildsLimited,
		CertificateEnd: func() time.Time { return adminTLS.Leaf().NotAfter },
	}
}

// probedMachine is what no app may reach of this machine.
func (c Config) probedMachine() reach.Machine {
	socket, _ := strings.CutPrefix(c.DockerHost, "unix://")
	if strings.Contains(socket, "://") {
		socket = ""
	}
	return reach.Machine{
		// Not PublicAddresses: a router in front may have them, which is somebody else's.
		Addresses:  []netip.Addr{gatewayOf(c.EdgeSubnet)},
		Proxy:      []uint16{traefik.WebPort, traefik.WebsecurePort, traefik.DashboardPort, traefik.VerifyPort},
		Admin:      c.AdminListen.Port(),
		Published:  []uint16{c.AdminPort, c.DashboardPort},
		Open:       c.openPorts(),
		Metadata:   c.ProbeMetadata,
		EngineHost: socket,
	}
}

// openPorts are those of this machine that are for everybody.
func (c Config) openPorts() []uint16 {
	open := []uint16{c.HTTPPort, c.HTTPSPort}
	for _, port := range c.Ports {
		open = append(open, port.Number)
	}
	return open
}

// openFiles lists what of the data folder others than Berth can reach.
func openFiles(folder string) ([]string, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return nil, err
	}
	var open []string
	if info.Mode().Perm()&^dataFolderMode != 0 {
		open = append(open, "the data folder ("+info.Mode().Perm().String()+")")
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	for _, guard := range guarded {
		names, err := namesLike(root, guard.name)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if mode, bad := openMode(root, name, guard.mode); bad {
				open = append(open, name+" ("+mode+")")
			}
		}
	}
	return open, nil
}

// openMode reports whether a file is open to more than it should be. One that is gone is not.
func openMode(root *os.Root, name string, wanted fs.FileMode) (mode string, open bool) {
	info, err := root.Lstat(name)
	if err != nil {
		return "", false
	}
	if checkType(info, wanted) != nil || checkOwner(info) != nil {
		return "not Berth's own", true
	}
	return info.Mode().Perm().String(), info.Mode().Perm()&^wanted.Perm() != 0
}
