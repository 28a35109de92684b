package router

import (
	"net/http"

	"berth/controller/app"
	"berth/controller/push"
)

// pushJSON is what git push deploys, as the API shows and takes it. What a request leaves
// out stays as it is.
type pushJSON struct {
	Branch string `json:"branch"` // empty: that of the first push that goes live
	Folder string `json:"folder"` // of the repository that holds the app; empty: the whole
}

// apiShowPush answers with the branch and the folder that pushes deploy.
func (a *admin) apiShowPush(v *visit) error {
	_, settings, err := a.pushOf(v)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, pushJSON(settings))
}

// apiUpdatePush changes what the body names, from the next push on.
func (a *admin) apiUpdatePush(v *visit) error {
	name, settings, err := a.pushOf(v)
	if err != nil {
		return err
	}
	wish := pushJSON(settings)
	if err := decodeJSON(v.request(), &wish, `{"branch": "main", "folder": "web"}`); err != nil {
		return err
	}
	if settings, err = a.savePush(v, name, wish.Branch, wish.Folder); err != nil {
		return err
	}
	return v.json(http.StatusOK, pushJSON(settings))
}

// pushOf is the app that the path names, with its settings of pushes.
func (a *admin) pushOf(v *visit) (app.Name, push.Settings, error) {
	view, err := a.appOf(v)
	if err != nil {
		return "", push.Settings{}, err
	}
	settings, err := a.pushes.Settings(v.context(), view.Name)
	return view.Name, settings, err
}
