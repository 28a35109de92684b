package checklist

import (
	"context"
	"fmt"
	"time"

	"berth/controller/docker"
	"berth/controller/holes"
	"berth/controller/printable"
	"berth/controller/refusals"
)

const backupAge = 48 * time.Hour

func (c *Checklist) backup(ctx context.Context) (Row, error) {
	const page = "/settings/backups"
	last, err := c.Backups.LastBackup(ctx)
	switch {
	case err != nil:
		return Row{}, err
	case last.IsZero():
		return red("There is no backup.", "Set backups up, make one, and let one be made each day.", page)
	case c.now().Sub(last) > backupAge:
		return red("The last backup is of "+moment(last)+".", "See why there is no later one.", page)
	}
	return green("The last backup is of " + moment(last) + ".")
}

// provenAge is how old the last proof may be: drills are weekly, and one may fail.
const provenAge = 15 * 24 * time.Hour

func (c *Checklist) proven(ctx context.Context) (Row, error) {
	const page = "/settings/backups"
	last, on, err := c.Backups.LastProven(ctx)
	switch {
	case err != nil:
		return Row{}, err
	case !on:
		return amber("Backups are not proven: drills are off.", "Turn drills on, or restore a backup on another machine now and then.", page)
	case last.IsZero():
		return red("No backup is proven yet.", "Make a backup, and prove it.", page)
	case c.now().Sub(last) > provenAge:
		return red("A backup was last proven on "+moment(last)+".", "See why the drills fail.", page)
	}
	return green("A backup was restored aside and compared on " + moment(last) + ".")
}

func (c *Checklist) heartbeat(ctx context.Context) (Row, error) {
	const page = "/settings/alerts/heartbeat"
	found, err := c.Heartbeat.FindHeartbeat(ctx)
	switch {
	case err != nil:
		return Row{}, err
	case !found.On():
		return amber("No monitor notices if this server falls silent.", "Set up a heartbeat to a monitor on another machine.", page)
	case found.Failing(c.now()):
		return red("The heartbeat fails: "+found.Error+".", "Check the address of the heartbeat.", page)
	case found.GoodAt.IsZero():
		return amber("No heartbeat was sent yet.", "Send a test.", page)
	}
	return green("The last heartbeat was sent on " + moment(found.GoodAt) + ".")
}

func (c *Checklist) audit(ctx context.Context) (Row, error) {
	const page = "/settings/audit"
	verdict, err := c.Audit.Verify(ctx)
	switch {
	case err != nil:
		return Row{}, err
	case !verdict.Whole():
		return red(fmt.Sprintf("The integrity of the audit log is broken: %d findings.", len(verdict.Findings)+verdict.More),
			"Find out who can write to the data folder.", page)
	}
	return green(fmt.Sprintf("All %d entries are as they were recorded. Berth does not know of a copy elsewhere.", verdict.Entries))
}

func (c *Checklist) files(context.Context) (Row, error) {
	open, err := c.OpenFiles()
	if err != nil {
		return Row{}, err
	}
	if len(open) > 0 {
		return red("Others can reach files of Berth: "+printable.List(open)+".", "Restart Berth, which closes them, and find out who opened them.", "")
	}
	return green("Only Berth's own user can reach its data folder.")
}

func (c *Checklist) engineVersion(ctx context.Context) (Row, error) {
	return c.part(ctx, holes.Engine, "Engine")
}

func (c *Checklist) runcVersion(ctx context.Context) (Row, error) {
	return c.part(ctx, holes.Runc, "runc")
}

// buildKitVersion goes by the engine's, which has it built in and does not tell its version.
func (c *Checklist) buildKitVersion(ctx context.Context) (Row, error) {
	row, err := c.part(ctx, holes.BuildKit, "Engine")
	if err != nil || row.State != Green {
		return row, err
	}
	return amber(row.Found+" The engine does not tell which BuildKit it has.",
		"Look at it with docker buildx inspect: "+holes.BuildKitOwn+" and later have no published hole. Berth refuses the foreign frontends that the latest ones need.", "")
}

func (c *Checklist) proxyVersion(ctx context.Context) (Row, error) {
	version, err := c.Proxy.Version(ctx)
	if err != nil {
		return Row{}, err
	}
	return judge(holes.Traefik, version)
}

func (c *Checklist) part(ctx context.Context, program holes.Program, name string) (Row, error) {
	parts, err := c.Engine.Parts(ctx)
	if err != nil {
		return Row{}, err
	}
	for _, part := range parts {
		if part.Name == name {
			return judge(program, part.Version)
		}
	}
	return amber("The engine does not tell its version.", "Look at the version yourself with docker version.", "")
}

// judge holds a version against the published holes.
func judge(program holes.Program, version string) (Row, error) {
	of := "Version "
	if program == holes.BuildKit {
		of = "The BuildKit of the engine "
	}
	of += printable.Plain(version)
	found, update, known := holes.Of(program, version)
	switch {
	case !known:
		return amber(of+" is of no known form.", "Compare it with the published advisories yourself.", "")
	case len(found) == 0:
		return green(of + " has none of the published holes that Berth knows.")
	}
	var named []string
	for _, hole := range found {
		named = append(named, fmt.Sprintf("%s (%s)", hole.Advisory, hole.What))
	}
	target := string(program)
	if program == holes.BuildKit {
		target = string(holes.Engine)
	}
	return red(of+" has published holes: "+printable.List(named)+".",
		fmt.Sprintf("Update to %s %s or later. A distribution may have fixed it under an older number: look into its list of changes.", target, update), "")
}

func (c *Checklist) broker(context.Context) (Row, error) {
	state, report := c.Broker.Report()
	switch {
	case state == refusals.Unknown:
		return amber("The broker has not answered yet.", "Check again, and see the log of the broker.", machinePage)
	case state == refusals.Direct:
		return red("Berth reaches the engine through a plain socket, or a socket proxy of somebody else. Who takes over Berth's process has this machine: such a proxy does not look at what a new container may do.",
			"Remove DOCKER_HOST from the settings, and run make up.", machinePage)
	case report.Refused > 0:
		return red(fmt.Sprintf("The broker has refused %d calls since %s, the last one for %s.", report.Refused, moment(report.Since), lastField(report)),
			"Berth makes no such calls: it has a fault, or somebody controls its process. See the list.", machinePage)
	}
	return green("Berth reaches the engine through the broker, which has refused nothing.")
}

func lastField(report docker.BrokerReport) string {
	if len(report.Recent) == 0 {
		return "an unknown field"
	}
	return printable.Plain(report.Recent[len(report.Recent)-1].Field)
}

func (c *Checklist) firewall(context.Context) (Row, error) {
	if c.Facts.AppsApart {
		return green("Rules of make up keep apps from the services of this machine and from link-local addresses.")
	}
	return red("Apps reach every port that this machine opens on all its addresses, and link-local addresses, where clouds keep credentials.",
		"Run make up as root, without BERTH_HOST_FIREWALL=off.", machinePage)
}

func (c *Checklist) builds(context.Context) (Row, error) {
	switch {
	case !c.Facts.BuildsApart:
		return amber("Builds reach the services of this machine.", "Run make up BERTH_FENCE_BUILDS=yes as root.", machinePage)
	case !c.Facts.BuildsLimited:
		return amber("Builds may take all memory, processors and processes of this machine.", "Run make up BERTH_FENCE_BUILDS=yes as root.", machinePage)
	}
	return green("Builds are kept from this machine, and have limits.")
}

func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
