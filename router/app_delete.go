package router

import "fmt"

// deleteApp removes an app and all that it left, once its name was typed.
func (a *admin) deleteApp(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	if err := a.apps.Delete(v.context(), name, v.request().PostForm.Get("confirm")); err != nil {
		return a.refuseOnApp(v, name, err)
	}
	if err := v.notify(fmt.Sprintf("%s is deleted, with its container, image, network, files and route.", name)); err != nil {
		return err
	}
	return v.seeOther("/admin")
}
