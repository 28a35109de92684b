package router

import (
	"berth/controller/app"
	"berth/controller/plan"
)

// boundField is the choice between image and volume for a file or folder of the archive.
type boundField struct {
	plan.Bound
}

// IsVolume reports whether the volume is chosen.
func (b boundField) IsVolume() bool { return b.As == plan.BoundVolume }

// boundFields are the choices that the held archive leaves, with what was typed.
func (u *upload) boundFields() (fields []boundField) {
	typed, _ := app.ParseBoundChoices(u.fields[app.FieldBound])
	chosen := typed.Map()
	for _, bound := range u.held.Preview.Bound {
		if as, given := chosen[bound.Key()]; given {
			bound.As = as
		}
		fields = append(fields, boundField{bound})
	}
	return fields
}

// boundJSON is a file or folder of the archive that a service mounts. The field bound takes
// its choice with =image or =volume after it.
type boundJSON struct {
	Choice string       `json:"choice"` // such as web:/etc/app.conf
	Source string       `json:"source"` // in the archive; empty means its top
	Folder bool         `json:"folder"`
	As     plan.BoundAs `json:"as"`
}

func boundJSONOf(all []plan.Bound) (made []boundJSON) {
	for _, bound := range all {
		made = append(made, boundJSON{bound.Key(), bound.Source, bound.Folder, bound.As})
	}
	return made
}
