package router

import (
	"io"
	"net/http"

	"berth/controller/problem"
)

// These show a form again whose request did not fit in a limit, with what was typed.

func (a *admin) loginLimited(v *visit, problem *problem.Problem) error {
	form := v.request().PostForm
	return a.loginForm(v, http.StatusTooManyRequests, loginPage{
		Username: form.Get("username"), Next: form.Get("next"), Wrong: problem,
	})
}

func (a *admin) loginCodeLimited(v *visit, problem *problem.Problem) error {
	return v.page(http.StatusTooManyRequests, "login_code", loginCodePage{
		frame: v.frame("Sign in"), Next: v.request().PostForm.Get("next"), Wrong: problem,
	})
}

func (a *admin) passwordLimited(v *visit, problem *problem.Problem) error {
	return a.passwordForm(v, http.StatusTooManyRequests, fieldProblems{"": problem})
}

func (a *admin) secondFactorLimited(v *visit, problem *problem.Problem) error {
	return a.secondFactorForm(v, http.StatusTooManyRequests, secondFactorPage{Problems: fieldProblems{"": problem}})
}

func (a *admin) uploadLimited(v *visit, problem *problem.Problem) error {
	form := a.typedFields(v)
	form.problems[""] = problem
	a.showHeldAgain(v, form)
	return a.uploadForm(v, form)
}

func (a *admin) updateLimited(v *visit, problem *problem.Problem) error {
	v.upload = a.typedFields(v)
	name, err := v.app()
	if err != nil {
		return err
	}
	a.showHeldAgain(v, v.upload)
	return a.appForm(v, name, tabOverview, fieldProblems{"": problem})
}

func (a *admin) appVolumeLimited(v *visit, problem *problem.Problem) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	page, err := a.appPage(v, name)
	if err != nil {
		return err
	}
	page.Problem, page.Problems, page.NewVolume = problem, fieldProblems{"": problem}, v.typedVolume()
	return a.volumesTab(v, page)
}

func (a *admin) volumesLimited(v *visit, problem *problem.Problem) error {
	form := v.request().PostForm
	return a.volumesForm(v, volumesPage{
		Name: form.Get("name"), Description: form.Get("description"), Problems: fieldProblems{"": problem},
	})
}

func (a *admin) filesLimited(v *visit, problem *problem.Problem) error {
	v.drain()
	name, folder, err := v.place()
	if err != nil {
		return err
	}
	return a.volumeForm(v, name, folder, fieldProblems{"": problem})
}

// typedFields reads what stands before the file of an upload, and drops the rest.
// What cannot be read was not typed.
func (a *admin) typedFields(v *visit) *upload {
	if v.upload != nil { // they were read before the limit was asked
		return v.upload
	}
	form := &upload{fields: make(map[string]string), problems: fieldProblems{}}
	defer v.drain()
	parts, err := v.request().MultipartReader()
	if err != nil {
		return form
	}
	for {
		part, err := parts.NextPart()
		if err != nil || part.FormName() == fieldArchive {
			return form
		}
		if err := form.readField(part); err != nil {
			_, _ = io.Copy(io.Discard, part)
			return form
		}
	}
}

// showHeldAgain finds the archive that waits for this form.
func (a *admin) showHeldAgain(v *visit, form *upload) {
	if !form.sendsHeld() {
		return
	}
	if key, err := v.heldKey(form); err == nil {
		if held, err := a.uploads.Held(key); err == nil {
			form.held = &held
		}
	}
}
