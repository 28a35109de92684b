package inbox

import "berth/controller/app"

// Renamed is the webhook of the app under another name.
func (w Webhook) Renamed(to app.Name, reseal app.Reseal) Webhook {
	for what, sealed := range map[string]*[]byte{
		"address": &w.Path, "secret": &w.Secret, "deploy key": &w.DeployKey, sealedToken: &w.Token, sealedStatus: &w.StatusToken,
	} {
		if len(*sealed) > 0 {
			*sealed = reseal(*sealed, placeOf(what, w.App), placeOf(what, to))
		}
	}
	w.App = to
	return w
}
