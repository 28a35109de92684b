package router

import (
	"berth/controller/backup"
	"berth/controller/problem"
)

// textField is a field of one line.
type textField struct {
	ID, Label, Value, Hint string
	Problem                *problem.Problem
}

func (p backupsPage) field(id, label, hint string) textField {
	return textField{id, label, p.Form[id], hint, p.Problems[id]}
}

// Recipients says who can read the backups.
func (p backupsPage) Recipients() textField {
	return p.field(backup.FieldRecipients, "Public key", "age1...")
}

// The places that the form offers.
const (
	placeFolder = "folder"
	placeBucket = "bucket"
)

// InBucket reports whether the form is about a bucket, as chosen or else as it is.
func (p backupsPage) InBucket() bool {
	if chosen := p.Form[fieldPlace]; chosen != "" {
		return chosen == placeBucket
	}
	return p.Form[backup.FieldEndpoint] != ""
}

// Folder is the place in a folder.
func (p backupsPage) Folder() textField { return p.field(backup.FieldFolder, "Folder", "/backups") }

// Bucket is the place in a bucket.
func (p backupsPage) Bucket() []textField {
	return []textField{
		p.field(backup.FieldEndpoint, "Endpoint of the store", "https://s3.example.com"),
		p.field(backup.FieldBucket, "Bucket", "my-backups"),
		p.field(fieldPrefix, "Prefix in the bucket (optional)", "berth"),
		p.field(fieldRegion, "Region (optional)", "eu-central-1"),
		p.field(fieldAccessKey, "Access key", ""),
	}
}

// Schedule says when.
func (p backupsPage) Schedule() []textField {
	return []textField{p.field(backup.FieldTime, "Time of day", "03:00"), p.field(backup.FieldZone, "Time zone", "Europe/Berlin")}
}

// Plan says how many, how fast and without what.
func (p backupsPage) Plan() []textField {
	daily := p.field(fieldDaily, "Daily backups to keep", "7")
	if fault := p.Problems[backup.FieldKeep]; fault != nil {
		daily.Problem = problem.Invalid(fault.Message, fault.Hint).At(fieldDaily)
	}
	return []textField{
		daily,
		p.field(fieldWeekly, "Weekly backups to keep", "4"),
		p.field(fieldMonthly, "Monthly backups to keep", "6"),
		p.field(backup.FieldRate, "Bandwidth in MB a second (empty: no bound)", ""),
		p.field(fieldSkipped, "Volumes to leave out (names, with spaces between)", ""),
	}
}
