//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/backup/restore"
	"berth/controller/certificates"
	"berth/controller/connections"
	"berth/controller/docker"
	"berth/controller/domaincheck"
	"berth/controller/gate"
	"berth/controller/handle"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/push"
	"berth/controller/release"
	"berth/controller/remote"
	"berth/controller/renaming"
	"berth/controller/retention"
	"berth/controller/revival"
	"berth/controller/room"
	"berth/controller/routing"
	"berth/controller/secret"
	"berth/controller/sources"
	"berth/controller/store"
	"berth/controller/volumes"
	"berth/router"
	"berth/traefik"
)

// runServe is the server: it opens what is below the controller, hangs the
// admin app above it, and runs both until ctx ends or one of them falls.
func runServe(ctx context.Context, p *program, args []string) error {
	flags := newFlags("serve")
	settings := p.addConfigFlags(flags)
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, logger, err := p.load(settings)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, config.AdminListen) // first: a taken port changes nothing
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	door, err := listenSSH(ctx, config)
	if err != nil {
		return err
	}
	defer door.close()
	if err := prepareDataFolder(config.DataFolder, logger); err != nil {
		return err
	}
	if err := sweepInterrupted(config, logger); err != nil {
		logger.Warn("remove what an earlier run did not finish writing", "error", err)
	}
	if err := settleRestore(ctx, config, logger); err != nil {
		return err
	}
	if err := refuseLostLedger(ctx, config, logger); err != nil {
		return err
	}
	ledger, err := store.Open(ctx, config.ledgerFile())
	if err != nil {
		return err
	}
	if err := door.open(config, account.NewKeys(ledger, logger)); err != nil {
		return errors.Join(err, ledger.Close())
	}
	accounts := account.NewAccounts(ledger, config.AdminPassword, logger)
	pushes, err := openPushes(config, ledger, logger)
	if err != nil {
		return errors.Join(err, ledger.Close())
	}
	remotes, err := openRemotes(config)
	if err == nil {
		err = accounts.EnsureOperator(ctx, func(password string) {
			showOneTimePassword(p.stdout, config, account.OperatorName, password)
		})
	}
	if err == nil {
		err = serve(ctx, config, opened{listener, door, ledger, accounts, pushes, remotes}, logger)
	}
	return errors.Join(err, ledger.Close())
}

// opened is what serve runs on.
type opened struct {
	listener net.Listener
	ssh      *sshDoor
	ledger   *store.Store
	accounts *account.Accounts
	pushes   *push.Pushes
	remotes  *remote.Remotes
}

// serve runs the controller and the admin app.
func serve(ctx context.Context, config Config, on opened, logger *slog.Logger) error {
	key, err := openKey(config, logger)
	if err != nil {
		return err
	}
	adminTLS, err := openCertificates(config, logger)
	if err != nil {
		return err
	}
	engine, err := openServerEngine(ctx, config, on.ledger, logger)
	if err != nil {
		return err
	}
	defer func() { _ = engine.Close() }()
	audit := newAuditLog(config, on.ledger, key, logger)
	if err := audit.CatchUp(ctx); err != nil {
		return fmt.Errorf("open audit log: %w", err)
	}
	book, proxy, err := openDomains(ctx, config, on.ledger, key, engine, logger)
	if err != nil {
		return err
	}
	exits := newExits(config, engine, on.ledger, logger)
	story, err := newController(config, on.ledger, audit, key, exits, proxy, book, logger)
	if err != nil {
		return err
	}
	domains := certificates.New(book, story.Routing())
	limits, err := limit.Open(ctx, limit.Options{Ledger: on.ledger.Limits(), Budgets: config.RateLimits, Logger: logger})
	if err != nil {
		return fmt.Errorf("open limits: %w", err)
	}
	backups, hooks, commands := openBackups(config, on.ledger, story, audit, engine, key, logger)
	refused, list, prober := newChecklist(config, checked{on, adminTLS, audit, engine, proxy, domains, story, backups}, logger)
	kept, err := openLogs(config, on.ledger, story, engine, logger)
	if err != nil {
		return err
	}
	measured, grown, archives := newCollector(config, on.ledger, story, proxy, logger), openDisks(config, on.ledger, story, engine, audit, kept, logger), sources.New(on.ledger, config.DataFolder, key)
	admin := router.Options{
		Story:   router.Story{Apps: story, Uploads: story, Releases: story, Settings: story, Environments: story, Outputs: story},
		Volumes: story.Volumes(), Backups: backups, Hooks: hooks, Commands: commands, Mounts: story, Routing: story.Routing(), Ports: story.Routing(),
		Domains: domains, Metrics: measured, Disks: grown, Pushes: on.pushes, Labels: on.ledger, Repeats: on.ledger, Sources: archives, Duplicates: newDuplicates(story, on.ledger, archives, key), Renames: renaming.Renames{Story: story, Ledger: on.ledger, Routing: story.Routing(), Key: key}, Logs: kept, Events: on.ledger,
		Accounts: on.accounts,
		Factors:  account.NewSecondFactors(on.ledger, on.accounts, key, logger),
		Tokens:   account.NewTokens(on.ledger, logger),
		Keys:     on.ssh.keys, SSH: on.ssh.shown(config),
		Sessions:       on.ledger,
		Limits:         limits,
		TrustedProxies: config.TrustedProxies,
		Gateway:        config.EdgeSubnet.Masked().Addr().Next(), // as the engine chooses it
		Audit:          audit,
		SecretKey:      key.Derive("admin app"),
		Logger:         logger,
		PublicHTTPPort: int(config.HTTPPort), PublicHTTPSPort: int(config.HTTPSPort),
		AdminHost:  string(config.AdminHost),
		AppsHost:   config.appsHost(),
		AdminHosts: adminHosts(config, adminTLS.Leaf()),
		ForceHTTPS: config.ForceHTTPS,
		Broker:     refused, AppsApart: config.AppsApart, Checklist: list, Prober: prober, Egress: exits,
		Builds:  router.Builds{Apart: config.BuildsApart, Limited: config.BuildsLimited},
		Version: currentVersion(), SessionLife: config.SessionLife,
	}
	notified, told := openAlerts(config, on.ledger, &admin, measured, story.ReconciledAt, key, logger), openWebhooks(config, on.remotes, on.ledger, &admin, hooked{story, limits}, key, logger)
	watched, moves := openTagWatches(openRegistries(config, on.ledger, &admin, engine, key), on.ledger, &admin, story, key, logger), openMoves(config, story, on.ledger, engine, audit, key, &admin, logger)
	server, listener, err := openAdmin(config, admin, adminTLS, on.listener, logger)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{
		story.Run, domains.Run, limits.Run, refused.Run, adminTLS.Run, list.Run, prober.Run, measured.Run, grown.Run, kept.Run, exits.Run, backups.Run, on.pushes.Run, notified.Run, told.Run, watched.Run, moves.Run,
		revival.New(on.ledger, story, logger).Run, servePublic(config, admin, logger), on.ssh.run(config, limits, server.Handler, logger),
	} {
		group.Go(func() error { return run(ctx) })
	}
	group.Go(func() error { return runServer(ctx, server, listener) })
	warnOfReservedRoutes(ctx, story.Routing(), logger)
	logger.Info("berth runs", "version", currentVersion(), "stack", config.Stack, "admin", adminURL(config))
	defer logger.Info("berth stops")
	return group.Wait()
}

// openAdmin returns the admin app's server, and the door on this machine that it serves at.
func openAdmin(
	config Config, o router.Options, adminTLS *adminCertificates, listener net.Listener, logger *slog.Logger,
) (*http.Server, net.Listener, error) {
	handler, err := router.New(o)
	if err != nil {
		return nil, nil, fmt.Errorf("open admin app: %w", err)
	}
	bounds := defaultServerLimits()
	server, crowd := newServer(handler, adminTLS, bounds, logger), connections.NewCrowd(bounds.connections)
	server.ConnState = crowd.Follow
	return server, openPlainDoor(crowd.Listen(newDoorkeeper(listener, config, logger)), config, o.AdminHosts), nil
}

// openEngine returns the engine behind the broker. Without pulls no pulled image is remembered; without
// handles every app has its name as its handle.
func openEngine(ctx context.Context, config Config, pulls docker.Pulls, handles *handle.Book, logger *slog.Logger) (*docker.Engine, error) {
	engine, err := docker.Open(docker.Options{
		LayerBytes: config.VolumeQuota,
		Host:       config.DockerHost,
		Stack:      config.Stack,
		Cgroup:     config.Cgroup,
		Transfer:   config.TransferFolder,
		SubnetPool: config.SubnetPool,
		Reserved:   []netip.Prefix{config.EdgeSubnet},
		Pulls:      pulls,
		Handles:    handles,
		Logger:     logger,

		PrivateEgress: config.PrivateEgress,
	})
	if err != nil {
		return nil, err
	}
	if err := requireBroker(ctx, config, engine); err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return engine, nil
}

// openServerEngine opens the engine for the server, which removes the helpers of an
// earlier one before anybody opens a volume. Those of a restore that is under way stay.
func openServerEngine(ctx context.Context, config Config, ledger *store.Store, logger *slog.Logger) (*docker.Engine, error) {
	engine, err := openEngine(ctx, config, ledger, ledger.Handles(), logger)
	if err != nil {
		return nil, err
	}
	if _, err := restore.CutOff(config.DataFolder); errors.Is(err, restore.ErrUnderWay) {
		return engine, nil
	}
	if err := engine.RemoveHelpers(ctx); err != nil {
		logger.Warn("remove volume helpers of an earlier run", "error", err)
	}
	return engine, nil
}

// openDomains writes the proxy's static configuration, which the proxy waits for.
func openDomains(
	ctx context.Context, config Config, ledger *store.Store, key secret.Key, engine *docker.Engine, logger *slog.Logger,
) (*certificates.Book, *traefik.Client, error) {
	static := traefik.StaticOptions{
		ProxyAddress: config.ProxyAddress, HTTPSPort: config.HTTPSPort,
		AdminHost: config.AdminHost, Gate: config.GateAddress, APIPassword: apiPassword(key), Gateway: gatewayOf(config.EdgeSubnet), Subnet: config.EdgeSubnet,
		Ports:          config.Ports,
		TrustedProxies: config.AppTrustedProxies,
	}
	proxy, err := traefik.NewClient(static.APIURL(), static.VerifyURL(), static.APIPassword)
	if err != nil {
		return nil, nil, err
	}
	book, changed, err := certificates.Open(ctx, certificates.Options{
		Ledger:   ledger,
		Engine:   engine,
		Ready:    proxy.Ready,
		Folder:   config.ProxyFolder,
		Static:   static,
		Self:     addressTowards(static.DashboardAddress()),
		Key:      key,
		Defaults: certificates.DefaultProxySettings(config.LetsEncryptEmail, config.ACMEDirectory, config.ForceHTTPS),
		Base:     config.BaseDomain,
		Reserved: config.reservedHosts(),
		Admin:    config.AdminPublicHost,
		Near:     config.neighbours(),
		TellGate: config.tellGate(),
		Logger:   logger,
		Issued:   traefik.NewIssued(config.ACMEFolder),
	})
	if err != nil {
		return nil, nil, err
	}
	if changed {
		logger.Info("wrote the proxy's static configuration; a proxy that runs is restarted for it", "folder", config.ProxyFolder)
	}
	return book, proxy, nil
}

// neighbours are the networks on which apps are.
func (c Config) neighbours() certificates.Neighbours {
	return certificates.Neighbours{Networks: []netip.Prefix{c.SubnetPool, c.EdgeSubnet}, Machine: gatewayOf(c.EdgeSubnet)}
}

// tellGate is nil where no gate reads the trusted proxies.
func (c Config) tellGate() func([]netip.Prefix) error {
	if c.GateFolder == "" {
		return nil
	}
	return func(trusted []netip.Prefix) error { return gate.WriteTrust(c.GateFolder, trusted) }
}

// addressTowards is the address that other is reached from; it sends nothing. The
// zero Addr where there is no way there yet.
func addressTowards(other netip.AddrPort) netip.Addr {
	connection, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(other))
	if err != nil {
		return netip.Addr{}
	}
	defer func() { _ = connection.Close() }()
	own, err := netip.ParseAddrPort(connection.LocalAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return own.Addr().Unmap()
}

// newController returns the controller that keeps the proxy's dynamic configuration.
func newController(
	config Config, ledger *store.Store, audit audit.Auditor, key secret.Key, engine *exits,
	proxy *traefik.Client, book *certificates.Book, logger *slog.Logger,
) (*controller.Controller, error) {
	return controller.New(controller.Options{
		Ledger:           ledger,
		Audit:            audit,
		Notices:          engine.board,
		Key:              key,
		Engine:           engine,
		Reconciler:       controller.ReconcilerOptions{Ledger: ledger, Engine: engine},
		Volumes:          volumes.Options{Ledger: ledger, Keeper: engine, Engine: engine, Quota: config.VolumeQuota},
		DataFolder:       config.DataFolder,
		Handles:          ledger.Handles(),
		NoRoom:           room.Of(config.DataFolder).Refuse,
		MaximumLimits:    config.MaximumLimits,
		ForbiddenWaivers: config.ForbiddenWaivers,
		Logger:           logger,
		Release: release.Options{
			Ledger:           ledger,
			History:          ledger,
			Images:           engine,
			Engine:           engine,
			Owners:           engine,
			Proxy:            proxy,
			Registries:       config.Registries,
			BuildConcurrency: config.BuildConcurrency,
			BuildTimeout:     config.BuildTimeout,
			BuildDisk:        buildDisk(config),
			Keep:             retention.Book{Ledger: ledger}.Releases,
		},
		Routing: routing.Options{
			Ledger:     ledger,
			Proxy:      proxy,
			Publisher:  traefik.NewPublisher(config.ProxyFolder),
			PortLedger: ledger,
			Ports:      config.Ports,
			Reserved:   config.reservedHosts(),
			Admin:      config.adminRoute(),
			Base:       config.BaseDomain,
			Check:      domaincheck.Options{Resolver: config.Resolver, Addresses: config.PublicAddresses},
			Pages:      pagesAddress(config.Stack),
			Domains:    book,
		},
	})
}

// openKey returns the root key: of SECRET_KEY where it is set, else the one in the data folder.
func openKey(config Config, logger *slog.Logger) (secret.Key, error) {
	const enough = 32 // characters; fewer are hardly ever random
	if config.SecretKey == "" {
		return secret.LoadKey(filepath.Join(config.DataFolder, "secret.key"))
	}
	if len(config.SecretKey) < enough {
		logger.Warn("SECRET_KEY is short; a good one is made by: openssl rand -hex 32", "bytes", len(config.SecretKey))
	}
	return secret.DeriveKey(config.SecretKey)
}

func (c Config) ledgerFile() string { return filepath.Join(c.DataFolder, "berth.db") }

func listen(ctx context.Context, address netip.AddrPort) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address.String())
	if err != nil {
		return nil, problem.Unavailable(
			fmt.Sprintf("The admin app cannot listen on %s.", address),
			"End what listens there, or choose another address with --admin.listen (BERTH_ADMIN_LISTEN).",
		).Because(err)
	}
	return listener, nil
}
