//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/docker/go-units"

	"berth/controller/backup/restore"
	"berth/controller/backup/s3"
	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/volume"
)

// restoreWish is what a person asks for.
type restoreWish struct {
	from, key, set, app, volume, as, database, region string

	list, giveUp bool
}

// runRestore brings a server or a part of it back from a backup. It works without a
// server: on a machine that lost its own there is none.
func runRestore(ctx context.Context, p *program, args []string) error {
	flags := newFlags("restore")
	settings := p.addConfigFlags(flags)
	var wish restoreWish
	flags.StringVar(&wish.from, "from", "", "folder of the backups, or https://HOST/BUCKET[/PREFIX] with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	flags.StringVar(&wish.key, "key", "", "file with the private key, which begins with AGE-SECRET-KEY-; /dev/stdin to paste it")
	flags.StringVar(&wish.set, "set", "", "the backup; else the newest")
	flags.BoolVar(&wish.list, "list", false, "show the backups, or with --set and --key what is in one, and change nothing")
	flags.BoolVar(&wish.giveUp, "give-up", false, "remove what a restore has made whose process was ended, and restore nothing")
	flags.StringVar(&wish.app, "app", "", "bring back only the volumes of this app")
	flags.StringVar(&wish.volume, "volume", "", "bring back only this volume")
	flags.StringVar(&wish.as, "as", "", "with --volume: under this name")
	flags.StringVar(&wish.database, "database", "", "write only Berth's database, into this new file")
	flags.StringVar(&wish.region, "region", "", "region of the bucket, where its store needs one")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	if wish.from == "" && !wish.giveUp {
		return &usageError{errors.New("--from is missing: name the folder or the bucket of the backups; see berth help restore")}
	}
	config, logger, err := p.load(settings)
	if err != nil {
		return err
	}
	if wish.giveUp {
		return p.giveUp(ctx, config, logger)
	}
	from, closeTarget, err := p.openBackups(wish)
	if err != nil {
		return err
	}
	defer func() { _ = closeTarget() }()
	if wish.list && wish.set == "" {
		return p.listSets(ctx, from)
	}
	options, err := p.restoreOptions(wish, config, from)
	if err != nil {
		return err
	}
	if wish.list {
		return p.listParts(ctx, options)
	}
	return p.restore(ctx, wish, config, options, logger)
}

// openBackups opens the folder or the bucket.
func (p *program) openBackups(wish restoreWish) (target.Target, func() error, error) {
	if !strings.Contains(wish.from, "://") {
		folder, err := target.OpenFolder(wish.from)
		if err != nil {
			return nil, nil, problem.NotFound(fmt.Sprintf("The folder %s cannot be opened.", wish.from), "Check its name, and that it is mounted.").Because(err)
		}
		return folder, folder.Close, nil
	}
	at, err := url.Parse(wish.from)
	if err != nil {
		return nil, nil, &usageError{errors.New("--from is neither a folder nor the address of a bucket")}
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(at.Path, "/"), "/")
	opened, err := s3.Open(s3.Options{
		Endpoint: at.Scheme + "://" + at.Host, Bucket: bucket, Prefix: prefix, Region: wish.region,
		AccessKey: p.variable("AWS_ACCESS_KEY_ID"), SecretKey: secret.Text(p.variable("AWS_SECRET_ACCESS_KEY")),
	})
	if err != nil || !s3.IsBucket(bucket) {
		return nil, nil, &usageError{errors.New("--from is not the address of a bucket, such as https://s3.example.com/my-backups")}
	}
	return opened, func() error { return nil }, nil
}

func (p *program) restoreOptions(wish restoreWish, config Config, from target.Target) (restore.Options, error) {
	o := restore.Options{From: from, DataFolder: config.DataFolder, ACMEFolder: config.ACMEFolder, Told: p.tellRestore()}
	if wish.set != "" {
		id, ok := set.ParseID(wish.set)
		if !ok {
			return o, &usageError{fmt.Errorf("%.60q is not a backup; see berth restore --list", wish.set)}
		}
		o.Set = id
	}
	if wish.key == "" {
		return o, &usageError{errors.New("--key is missing: name the file with the private key")}
	}
	file, err := os.Open(wish.key)
	if err != nil {
		return o, &usageError{fmt.Errorf("open the private key: %w", err)}
	}
	defer func() { _ = file.Close() }()
	if o.Identities, err = age.ParseIdentities(file); err != nil {
		return o, &usageError{fmt.Errorf("%s holds no private key of age", wish.key)} // the error may show it
	}
	return o, nil
}

// tellRestore prints how far a restore is, a few times a minute.
func (p *program) tellRestore() func(what string, bytes, of int64) {
	var told time.Time
	began := time.Now()
	return func(what string, bytes, of int64) {
		if bytes < of && time.Since(told) < 5*time.Second {
			return
		}
		told = time.Now()
		rate := float64(bytes) / max(time.Since(began).Seconds(), 1)
		_, _ = fmt.Fprintf(p.stderr, "%s: %s of %s, %s/s\n", what, units.HumanSize(float64(bytes)), units.HumanSize(float64(of)), units.HumanSize(rate))
	}
}

func (p *program) listSets(ctx context.Context, from target.Target) error {
	all, err := set.List(ctx, from)
	if err != nil {
		return err
	}
	table := p.table()
	_, _ = fmt.Fprintln(table, "BACKUP\tBEGAN")
	for _, id := range all {
		_, _ = fmt.Fprintf(table, "%s\t%s\n", id, id.Time().Format(time.RFC3339))
	}
	return table.Flush()
}

func (p *program) listParts(ctx context.Context, o restore.Options) error {
	reader, err := restore.Open(ctx, o)
	if err != nil {
		return err
	}
	table := p.table()
	_, _ = fmt.Fprintf(table, "PART\tSIZE\n")
	for _, part := range reader.Parts {
		_, _ = fmt.Fprintf(table, "%s\t%s\n", strings.TrimSpace(string(part.Kind)+" "+part.Volume), units.HumanSize(float64(part.Bytes)))
	}
	_, _ = fmt.Fprintf(table, "\nAPP\tSERVICE\tCAN BE BUILT\n")
	for _, image := range reader.Images {
		_, _ = fmt.Fprintf(table, "%s r%d\t%s\t%t\n", image.App, image.Release, image.Service, image.Archive || image.Digest != "")
	}
	return table.Flush()
}

// restore does what the wish names, and says what is next.
func (p *program) restore(ctx context.Context, wish restoreWish, config Config, o restore.Options, logger *slog.Logger) error {
	if wish.database != "" {
		manifest, err := restore.Ledger(ctx, o, wish.database)
		return p.restored(manifest, err, "The database is in "+wish.database+".")
	}
	engine, err := openEngine(ctx, config, nil, nil, logger)
	if err != nil {
		return err
	}
	defer func() { _ = engine.Close() }()
	o.Keeper = engine
	cut, err := o.GiveUp(ctx)
	if err != nil {
		return err
	}
	if cut != nil {
		_, _ = fmt.Fprintf(p.stderr, "An earlier restore of %s was cut off. What it had made is removed.\n", cut.Set)
	}
	switch {
	case wish.volume != "":
		var as volume.Name
		if wish.as != "" {
			if as, err = volume.ParseName(wish.as); err != nil {
				return &usageError{err}
			}
		}
		manifest, err := restore.Volumes(ctx, o, []string{wish.volume}, as)
		return p.restored(manifest, err, "The volume is back.")
	case wish.app != "":
		names, err := volumesOfApp(ctx, o, wish.app)
		if err != nil {
			return err
		}
		manifest, err := restore.Volumes(ctx, o, names, "")
		return p.restored(manifest, err, "The volumes of "+wish.app+" are back: "+strings.Join(names, ", ")+".")
	default:
		manifest, err := restore.Server(ctx, o)
		return p.restored(manifest, err, "Start Berth now (make up, or berth serve): it builds the apps again and starts them.")
	}
}

func (p *program) restored(manifest set.Manifest, err error, next string) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "Restored %s from %s.\n%s\n", manifest.Set, manifest.MadeAt.Format(time.RFC3339), next)
	return err
}

// volumesOfApp are those that the app mounts in the backup.
func volumesOfApp(ctx context.Context, o restore.Options, app string) ([]string, error) {
	reader, err := restore.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	var names []string
	found := false
	for _, image := range reader.Images {
		if image.App == app {
			found, names = true, append(names, image.Volumes...)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if !found || len(names) == 0 {
		return nil, problem.NotFound(fmt.Sprintf("The backup %s has no volumes of %s.", reader.Set, app), "See what it holds with berth restore --list --set "+string(reader.Set)+" --key FILE.")
	}
	return names, nil
}
