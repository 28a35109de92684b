package certificates

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/docker"
	"berth/controller/problem"
	"berth/traefik"
)

// restartTimeout bounds a whole restart of the proxy, also after the person who asked for
// it has gone.
const restartTimeout = 3 * time.Minute

// UpdateSettings changes the proxy's settings and returns the names of the changed ones.
// If the static configuration changes, it restarts the proxy. If the proxy does not come
// back, it restores the old configuration, and returns the reason as a Problem.
func (c *Certificates) UpdateSettings(ctx context.Context, form ProxyForm) (changed string, restarted bool, err error) {
	c.settling.Lock()
	defer c.settling.Unlock()
	was := c.Settings()
	settings, err := form.parse(was, c.o.Key, c.o.Near)
	if err != nil {
		return "", false, err
	}
	if err := c.refuseTaken(ctx, settings.DashboardHost); err != nil {
		return "", false, err
	}
	// A change that has begun must finish: half a change would outlive the request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartTimeout)
	defer cancel()
	restarted, err = c.apply(ctx, was, settings)
	if err != nil {
		return "", restarted, err
	}
	text, err := json.Marshal(settings)
	if err == nil {
		err = c.o.Ledger.UpdateSetting(ctx, proxySettingsKey, string(text))
	}
	if err != nil {
		_, back := c.apply(ctx, settings, was)
		return "", restarted, errors.Join(err, back)
	}
	c.requestLook()
	// The gate comes last: only now the proxy has routes for what it passes on.
	return settings.changes(was), restarted, cmp.Or(c.routes.Publish(ctx), c.tellGate())
}

// apply writes the settings and makes the proxy use them.
func (c *Certificates) apply(ctx context.Context, was, settings ProxySettings) (restarted bool, err error) {
	static, err := settings.static(c.o.Static, c.o.Key, c.o.Self)
	if err != nil {
		return false, err
	}
	before, err := c.dnsSecrets()
	if err != nil {
		return false, err
	}
	changed, err := traefik.WriteStatic(c.o.Folder, static)
	if err != nil {
		return false, fmt.Errorf("write the proxy's settings: %w", err)
	}
	if changed || before != fmt.Sprint(static.ACME.DNSSecrets, string(static.ACME.Trust)) {
		restarted, err = c.restart(ctx)
	}
	if err != nil {
		return restarted, c.takeBack(ctx, was, err)
	}
	c.mu.Lock()
	c.settings, c.acme = settings, static.ACME
	c.mu.Unlock()
	return restarted, nil
}

// dnsSecrets is the configuration that the proxy reads at its start beside its file.
func (c *Certificates) dnsSecrets() (string, error) {
	static, err := c.Settings().static(c.o.Static, c.o.Key, c.o.Self)
	return fmt.Sprint(static.ACME.DNSSecrets, string(static.ACME.Trust)), err
}

// restart restarts the proxy and waits until it answers.
func (c *Certificates) restart(ctx context.Context) (bool, error) {
	restarted, err := c.o.Engine.RestartProxy(ctx)
	if err != nil || !restarted {
		return restarted, err
	}
	return true, c.o.Ready(ctx)
}

// takeBack restores the proxy's old settings, and returns the reason.
func (c *Certificates) takeBack(ctx context.Context, was ProxySettings, reason error) error {
	said := c.lastError(ctx)
	static, err := was.static(c.o.Static, c.o.Key, c.o.Self)
	if err == nil {
		_, err = traefik.WriteStatic(c.o.Folder, static)
	}
	if err == nil {
		_, err = c.restart(ctx)
	}
	problem := problem.Unavailable(
		"The proxy did not come back with these settings, so it has the old ones again.",
		"Correct them and save again."+said,
	).Because(errors.Join(reason, err))
	if err != nil {
		problem.Message = "The proxy did not come back with these settings, and not with the old ones either."
		problem.Hint = "See its output with docker logs, and start it again with make up." + said
	}
	return problem
}

// lastError is the last error that the proxy printed in the last minute, as a sentence.
func (c *Certificates) lastError(ctx context.Context) string {
	last := ""
	_ = c.o.Engine.ReadProxyLog(ctx, time.Now().Add(-time.Minute), func(line docker.Line) error {
		var entry struct{ Level, Error, Message string }
		if strings.HasPrefix(line.Text, "{") && json.Unmarshal([]byte(line.Text), &entry) == nil {
			if entry.Level == "error" || entry.Level == "fatal" {
				last = strings.TrimSpace(entry.Message + " " + entry.Error)
			}
		} else if strings.Contains(line.Text, "command traefik error") {
			last = line.Text
		}
		return nil
	})
	if last == "" {
		return ""
	}
	runes := []rune(last)
	return " It said: " + string(runes[:min(len(runes), 300)])
}

// refuseTaken keeps the proxy's own pages off the hosts of apps and of Berth.
func (c *Certificates) refuseTaken(ctx context.Context, host traefik.Host) error {
	if host == "" {
		return nil
	}
	if slices.Contains(c.o.Reserved, host) {
		return refuseField(FieldDashboardHost, fmt.Sprintf("The host %s is Berth's own.", host), "Choose another one.")
	}
	apps, _, err := c.o.Ledger.ListOverview(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if slices.Contains(hostsOfApp(app), host) {
			return refuseField(FieldDashboardHost, fmt.Sprintf("The host %s belongs to the app %s.", host, app.Name), "Choose another one.")
		}
	}
	return nil
}
