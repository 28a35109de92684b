// Package backup makes encrypted backups of the whole server, by hand and on a schedule.
//
// The server has public keys alone: it can write sets and cannot read them. Package
// restore reads them, with the key that a person keeps.
package backup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the image holds our program alone

	"filippo.io/age"

	"berth/controller/backup/s3"
	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/problem"
	"berth/controller/secret"
)

// Settings say where backups go, when, and who can read them.
type Settings struct {
	Repository string `json:"repository"` // names this server in the target
	Place      Place  `json:"place"`
	Recipients string `json:"recipients"` // public keys, separated by space
	Scheduled  bool   `json:"scheduled"`
	Hour       int    `json:"hour"`
	Minute     int    `json:"minute"`
	Zone       string `json:"zone"`
	Keep       Keep   `json:"keep"`
	Rate       int64  `json:"rate,omitempty"` // bytes a second at most; 0 is no bound
	// Skipped volumes are not backed up; a volume that is made later is.
	Skipped []string `json:"skipped,omitempty"`
	Drill   *Drill   `json:"drill,omitempty"` // nil: the server cannot read its backups
}

// Drill is the key with which the server reads its own backups, to prove them.
type Drill struct {
	Public string    `json:"public"`
	Sealed []byte    `json:"sealed"` // the private key, in the ledger's sealing
	Since  time.Time `json:"since"`  // older backups are not encrypted to it
}

// recipients are all public keys that a backup is encrypted to.
func (s Settings) recipients() string {
	if s.Drill == nil {
		return s.Recipients
	}
	return s.Recipients + " " + s.Drill.Public
}

// Place is where backups go: a folder, or a bucket.
type Place struct {
	Folder    string `json:"folder,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
	Bucket    string `json:"bucket,omitempty"`
	Prefix    string `json:"prefix,omitempty"`
	Region    string `json:"region,omitempty"`
	AccessKey string `json:"access_key,omitempty"`
	Sealed    []byte `json:"sealed,omitempty"` // the secret key, in the ledger's sealing
}

// String names the place without a secret.
func (p Place) String() string {
	if p.Folder != "" {
		return p.Folder
	}
	if p.Endpoint == "" {
		return ""
	}
	return strings.TrimSuffix(p.Endpoint+"/"+p.Bucket+"/"+p.Prefix, "/")
}

// Ready reports whether backups are set up.
func (s Settings) Ready() bool { return s.Repository != "" }

// Wish is what a person types.
type Wish struct {
	Place      Place
	Secret     secret.Text // of the bucket; empty keeps the stored one
	Recipients string
	Scheduled  bool
	Time       string // HH:MM
	Zone       string
	Keep       Keep
	Rate       int64
	Skipped    []string
	Drill      bool // the server holds a key of its own, and proves its backups with it
}

// The fields that problems name.
const (
	FieldFolder     = "folder"
	FieldEndpoint   = "endpoint"
	FieldBucket     = "bucket"
	FieldSecret     = "secret_key"
	FieldRecipients = "recipients"
	FieldTime       = "time"
	FieldZone       = "zone"
	FieldKeep       = "keep"
	FieldRate       = "rate"
)

const (
	sealPlace = "secret key of the backup bucket"
	sealDrill = "private key of the backup drills"
)

const (
	settingsKey = "backup"
	mostKept    = 1000
	clock       = "15:04"
)

// settings returns the stored settings; the zero Settings where there are none.
func (b *Backups) settings(ctx context.Context) (s Settings, err error) {
	text, err := b.o.Ledger.FindSetting(ctx, settingsKey)
	if errors.Is(err, problem.ErrNotFound) {
		return Settings{}, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &s)
	}
	return s, err
}

// parse checks a wish, and says all that is wrong.
func (b *Backups) parse(wish Wish, was Settings) (Settings, error) {
	var faults problem.Problems
	refuse := func(field, message, hint string) {
		faults = append(faults, problem.Invalid(message, hint).At(field))
	}
	s := Settings{
		Repository: cmp.Or(was.Repository, newRepository()), Place: wish.Place, Scheduled: wish.Scheduled,
		Zone: cmp.Or(wish.Zone, "UTC"), Keep: wish.Keep, Rate: wish.Rate, Skipped: slices.Clone(wish.Skipped),
		Recipients: strings.Join(strings.Fields(wish.Recipients), " "),
	}
	checkPlace(wish, was, refuse)
	if s.Place.Folder != "" {
		s.Place = Place{Folder: s.Place.Folder}
	} else if s.Place.Sealed = was.Place.Sealed; wish.Secret != "" {
		s.Place.Sealed = b.o.Key.Seal([]byte(wish.Secret.Reveal()), sealPlace)
	}
	if _, err := set.ParseRecipients(s.Recipients); err != nil {
		refuse(FieldRecipients, "This is not a public key.", "Make a key on this page, or paste a public key of age, which begins with age1.")
	}
	if at, err := time.Parse(clock, cmp.Or(wish.Time, "03:00")); err != nil {
		refuse(FieldTime, "This is not a time of day.", "Write hours and minutes, such as 03:30.")
	} else {
		s.Hour, s.Minute = at.Hour(), at.Minute()
	}
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" {
		refuse(FieldZone, "This is not a time zone.", "Write one such as Europe/Berlin or UTC.")
	}
	if k := s.Keep; min(k.Daily, k.Weekly, k.Monthly) < 0 || max(k.Daily, k.Weekly, k.Monthly) > mostKept || k == (Keep{}) {
		refuse(FieldKeep, "This is not a number of backups.", fmt.Sprintf("Write numbers from 0 to %d, at least one above 0.", mostKept))
	}
	if s.Rate < 0 {
		refuse(FieldRate, "This is not a bandwidth.", "Write bytes a second, or 0 for no bound.")
	}
	if len(faults) > 0 {
		return Settings{}, faults
	}
	var err error
	if wish.Drill {
		s.Drill, err = b.drillKey(was.Drill)
	}
	return s, err
}

func checkPlace(wish Wish, was Settings, refuse func(field, message, hint string)) {
	place := wish.Place
	if place.Folder != "" {
		if !filepath.IsAbs(place.Folder) || filepath.Clean(place.Folder) != place.Folder || place.Folder == "/" {
			refuse(FieldFolder, "This is not the path of a folder.", "Write a path such as /backups. Berth must be able to write there.")
		}
		return
	}
	if place.Endpoint == "" && place.Bucket == "" {
		refuse(FieldFolder, "There is no place for the backups.", "Name a folder, or a bucket and its endpoint.")
		return
	}
	if _, err := s3.Open(s3.Options{Endpoint: place.Endpoint, Bucket: place.Bucket, AccessKey: place.AccessKey, SecretKey: "x"}); err != nil {
		refuse(FieldEndpoint, "This is not the endpoint of a store.", "Write an address such as https://s3.example.com.")
	}
	if !s3.IsBucket(place.Bucket) {
		refuse(FieldBucket, "This is not the name of a bucket.", "Write 3 to 63 small letters, digits, dots and hyphens.")
	}
	// A stored secret is not sent to another store.
	moved := place.Endpoint != was.Place.Endpoint || place.AccessKey != was.Place.AccessKey
	if wish.Secret == "" && (moved || len(was.Place.Sealed) == 0) {
		refuse(FieldSecret, "The secret key is missing.", "Type the secret key of the access key.")
	}
}

// open opens the target of the settings, at most as fast as they say.
func (b *Backups) open(s Settings) (target.Target, func() error, error) {
	if s.Place.Folder != "" {
		folder, err := target.OpenFolder(s.Place.Folder)
		if err != nil {
			return nil, nil, problem.Unavailable(
				fmt.Sprintf("The folder %s cannot be opened.", s.Place.Folder),
				"Make the folder and give it to the user that Berth runs as. In a container, mount it.",
			).At(FieldFolder).Because(err)
		}
		return slowed(folder, s.Rate), folder.Close, nil
	}
	text, err := b.o.Key.Open(s.Place.Sealed, sealPlace)
	if err != nil {
		return nil, nil, fmt.Errorf("open the secret key of the bucket: %w", err)
	}
	bucket, err := s3.Open(s3.Options{
		Endpoint: s.Place.Endpoint, Bucket: s.Place.Bucket, Prefix: s.Place.Prefix, Region: s.Place.Region,
		AccessKey: s.Place.AccessKey, SecretKey: secret.Text(text),
	})
	if err != nil {
		return nil, nil, err
	}
	return slowed(bucket, s.Rate), func() error { return nil }, nil
}

// NewKey makes a key pair. The private key is shown once and stored nowhere.
func NewKey() (private secret.Text, public string, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("make key: %w", err)
	}
	return secret.Text(identity.String()), identity.Recipient().String(), nil
}
