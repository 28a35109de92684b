package router

import (
	"fmt"
	"net/url"
	"time"

	"berth/controller/app"
	"berth/controller/volume"
	"berth/controller/volumes"
)

// fieldQuota is the field of a volume's quota.
const fieldQuota = "quota"

// quotaView is what a volume takes on the disk beside what it may.
type quotaView struct {
	Counted bool
	Stored  int64
	AtLeast bool // there is more than was counted
	Bytes   int64
	Percent int
	Default string // the quota of volumes without one of their own; empty where there is none
}

// Full reports whether the volume is close to its quota.
func (q quotaView) Full() bool { return q.Percent >= 90 }

func quotaOf(view volumes.View) *quotaView {
	if view.Quota == 0 {
		return nil
	}
	made := &quotaView{Counted: view.HasUsage, Stored: view.Usage.Stored, AtLeast: view.Usage.Partial, Bytes: view.Quota}
	made.Percent = int(min(100, float64(view.Usage.Stored)*100/float64(view.Quota)))
	if view.DefaultQuota > 0 {
		made.Default = app.QuotaText(view.DefaultQuota)
	}
	return made
}

// typedQuota is what the field shows: what was typed, else the volume's own quota.
func typedQuota(form url.Values, view volumes.View) string {
	switch {
	case form.Has(fieldQuota):
		return form.Get(fieldQuota)
	case view.OwnQuota:
		return app.QuotaText(view.Quota)
	default:
		return ""
	}
}

// volumeWarning is a volume over its quota as pages show it.
type volumeWarning struct {
	Name  volume.Name // empty where it is about the app's own files
	Path  string
	Fill  string
	Apps  string
	Until time.Time
}

func volumeWarningOf(warning volumes.Warning) volumeWarning {
	if warning.OwnFiles() {
		return volumeWarning{Fill: warning.Fill, Apps: appNames(warning.Apps), Until: warning.Until}
	}
	return volumeWarning{
		Name: warning.Volume, Path: volumePath(warning.Volume), Fill: warning.Fill, Apps: appNames(warning.Apps), Until: warning.Until,
	}
}

func appNames(apps []app.Name) string {
	names := make([]string, 0, len(apps))
	for _, app := range apps {
		names = append(names, string(app))
	}
	return app.NameList(names)
}

// updateQuota gives a volume a quota of its own, or the default again: 303 to its page.
func (a *admin) updateQuota(v *visit) error {
	name, err := v.volume()
	if err != nil {
		return err
	}
	waiting, err := a.changeQuota(v, name, v.request().PostForm.Get(fieldQuota))
	if err != nil {
		return a.refuseOnVolume(v, name, "", err)
	}
	said := fmt.Sprintf("The quota of %s is saved.", name)
	if len(waiting) > 0 {
		said += fmt.Sprintf(" There is room again: start %s.", appNames(waiting))
	}
	if err := v.notify(said); err != nil {
		return err
	}
	return v.seeOther(volumePath(name))
}

// changeQuota makes the size that was typed or sent the volume's quota.
func (a *admin) changeQuota(v *visit, name volume.Name, text string) (waiting []app.Name, err error) {
	bytes, err := app.ParseQuota(text)
	if err != nil {
		v.done.detail = "refused: no quota"
		return nil, err
	}
	v.done.detail = "the default"
	if bytes > 0 {
		v.done.detail = app.QuotaText(bytes)
	}
	return a.volumes.UpdateQuota(v.context(), name, bytes)
}
