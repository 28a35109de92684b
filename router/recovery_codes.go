package router

import (
	"fmt"
	"net/http"
	"strings"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/secret"
)

type recoveryCodesPage struct {
	frame
	Codes []string
}

// renewRecoveryCodes replaces what is left of the codes and shows the new ones.
func (a *admin) renewRecoveryCodes(v *visit) error {
	form, problems := v.request().PostForm, fieldProblems{}
	codes, err := a.factors.RenewRecoveryCodes(v.context(), v.caller.account.ID, form.Get("password"), form.Get("code"))
	if err := problems.add(err); err != nil {
		return err
	}
	if len(problems) > 0 {
		v.noteWrongCode(problems)
		return a.secondFactorForm(v, problems.status(), secondFactorPage{Renewing: true, Problems: problems})
	}
	v.refund()
	return a.recoveryCodesOnce(v, "The old recovery codes work no more. These are the new ones.", codes)
}

// recoveryCodesLimited shows the codes again that were to be downloaded: nobody else
// has them, and the page that they were on is gone.
func (a *admin) recoveryCodesLimited(v *visit, problem *problem.Problem) error {
	page := recoveryCodesPage{frame: v.frame("Recovery codes"), Codes: v.request().PostForm["recovery_code"]}
	if len(page.Codes) == 0 || len(page.Codes) > account.RecoveryCodes {
		return notRecoveryCodes()
	}
	page.Section, page.Tab, page.Problem = "settings", "account", problem
	return v.page(http.StatusTooManyRequests, "recovery_codes", page)
}

// recoveryCodesOnce answers the form itself: after a redirect the codes would
// have to be kept somewhere.
func (a *admin) recoveryCodesOnce(v *visit, notice string, codes []string) error {
	page := recoveryCodesPage{frame: v.frame("Recovery codes"), Codes: codes}
	page.Section, page.Tab, page.Notice = "settings", "account", notice
	return v.page(http.StatusOK, "recovery_codes", page)
}

// downloadRecoveryCodes gives the codes that the page has just shown back as a
// file. The server has only their hashes, so the page sends them.
func (a *admin) downloadRecoveryCodes(v *visit) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Recovery codes of %s for Berth. Each works once.\n\n", v.caller.account.Name)
	codes := v.request().PostForm["recovery_code"]
	if len(codes) == 0 || len(codes) > account.RecoveryCodes {
		return notRecoveryCodes()
	}
	for _, given := range codes {
		code, ok := secret.ParseRecoveryCode(given)
		if !ok {
			return notRecoveryCodes()
		}
		text.WriteString(code + "\n")
	}
	v.attach("berth-recovery-codes.txt")
	_, err := v.gin.Writer.WriteString(text.String())
	return err
}

func notRecoveryCodes() error {
	return problem.Invalid("These are no recovery codes.", "Use the button below the codes that Berth shows.")
}
