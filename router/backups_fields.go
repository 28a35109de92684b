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

// Fields say who can read the backups and where they go.
func (p backupsPage) Fields() []textField {
	return []textField{
		p.field(backup.FieldRecipients, "Public key", "age1..."),
		p.field(backup.FieldFolder, "Folder, if not a bucket", "/backups"),
		p.field(backup.FieldEndpoint, "Endpoint of an S3-compatible store", "https://s3.example.com"),
		p.field(backup.FieldBucket, "Bucket", "my-backups"),
		p.field(fieldPrefix, "Prefix in the bucket (optional)", "berth"),
		p.field(fieldRegion, "Region (optional)", "eu-central-1"),
		p.field(fieldAccessKey, "Access key", ""),
	}
}

// Plan says when, how many, how fast and without what.
func (p backupsPage) Plan() []textField {
	daily := p.field(fieldDaily, "Daily backups to keep", "7")
	if fault := p.Problems[backup.FieldKeep]; fault != nil {
		daily.Problem = problem.Invalid(fault.Message, fault.Hint).At(fieldDaily)
	}
	return []textField{
		p.field(backup.FieldTime, "Time of day", "03:00"),
		p.field(backup.FieldZone, "Time zone", "Europe/Berlin"),
		daily,
		p.field(fieldWeekly, "Weekly backups to keep", "4"),
		p.field(fieldMonthly, "Monthly backups to keep", "6"),
		p.field(backup.FieldRate, "Bandwidth in MB a second (empty: no bound)", ""),
		p.field(fieldSkipped, "Volumes to leave out (names, with spaces between)", ""),
	}
}
