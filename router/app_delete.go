package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"berth/controller"
	"berth/controller/app"
)

// deleteApp removes an app and all that it left, once its name was typed.
func (a *admin) deleteApp(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	removed, err := a.remove(v.context(), name, v.request().PostForm.Get("confirm"))
	if err != nil {
		return a.refuseOnApp(v, name, tabSettings, err)
	}
	notice := "%s is deleted, with its container, image, network, files and route."
	if !removed {
		notice = "%s is being deleted. The container engine takes longer than usual; Berth keeps removing the app."
	}
	if err := v.notify(fmt.Sprintf(notice, name)); err != nil {
		return err
	}
	return v.seeOther("/admin")
}

// apiDeleteApp takes the name in the path as the confirmation: 204 once all is removed,
// 202 where the engine takes longer and Berth goes on.
func (a *admin) apiDeleteApp(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	removed, err := a.remove(v.context(), name, string(name))
	if err != nil {
		return err
	}
	status := http.StatusNoContent
	if !removed {
		status = http.StatusAccepted
	}
	v.gin.Status(status)
	return nil
}

// remove deletes the app; false where something of it is there yet, which Berth goes on
// to remove: the wish is recorded, so that it is no error of the caller's.
func (a *admin) remove(ctx context.Context, name app.Name, confirm string) (removed bool, err error) {
	err = a.apps.Delete(ctx, name, confirm)
	if errors.Is(err, controller.ErrStillRemoving) {
		a.logger.WarnContext(ctx, "an app is not removed in full yet", "app", name, "error", err)
		return false, nil
	}
	return err == nil, err
}
