package router

import (
	"bytes"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/account"
	"berth/controller/audit"
)

func TestSecondFactor_IsSetUpWithThePasswordACodeAndShowsTheCodesOnce(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	token := p.mustEnter("admin")
	wrong := p.post("/settings/second-factor/begin", url.Values{formField: {token}, "password": {"wrong"}})
	if wrong.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("wrong password: %d", wrong.StatusCode)
	}
	mustContain(t, wrong.body, `id="password-problem"`)
	if answer := p.get("/settings/second-factor/qr.png"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a QR code before the beginning: %d", answer.StatusCode)
	}
	other := p.client
	p.client = p.browser()
	token = p.mustEnter("admin")
	_, recovery := p.enableFactor(token)
	if len(recovery) != account.RecoveryCodes {
		t.Errorf("%d recovery codes", len(recovery))
	}
	p.expectAudit(audit.ActionSecondFactorEnable, true, "admin")
	if p.formToken("/settings/second-factor") == token {
		t.Error("the session kept its id")
	}
	page := p.get("/settings/second-factor")
	mustContain(t, page.body, "10 recovery codes are left.")
	if strings.Contains(page.body, recovery[0]) {
		t.Error("the codes are shown twice")
	}
	p.client = other
	if answer := p.get("/admin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a session without the second factor still stands: %d", answer.StatusCode)
	}
}

func TestSecondFactor_TheQRCodeIsAPictureOfThisSessionAlone(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	other := p.client
	p.mustEnter("admin")
	p.client = p.browser()
	token := p.mustEnter("admin")
	p.post("/settings/second-factor/begin", url.Values{formField: {token}, "password": {peoplePassword}})
	answer := p.get("/settings/second-factor/qr.png")
	if _, err := png.Decode(bytes.NewReader([]byte(answer.body))); err != nil || answer.Header.Get("Content-Type") != "image/png" {
		t.Errorf("%q: %v", answer.Header.Get("Content-Type"), err)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	p.client = other
	if answer := p.get("/settings/second-factor/qr.png"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("another session sees it: %d", answer.StatusCode)
	}
}

func TestSecondFactor_WrongCodesAreRecordedAsSuch(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	token := p.mustEnter("admin")
	p.post("/settings/second-factor/begin", url.Values{formField: {token}, "password": {peoplePassword}})
	answer := p.post("/settings/second-factor/confirm", url.Values{formField: {token}, "code": {"000000"}})
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, `id="code-problem"`, "qr.png")
	p.expectAudit(audit.ActionSecondFactorFailure, false, "admin")
}

func TestSecondFactor_IsTurnedOffWithPasswordAndCode(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	phone, recovery := p.enableFactor(p.mustEnter("admin"))
	token := p.formToken("/settings/second-factor")
	refused := p.post("/settings/second-factor/disable", url.Values{formField: {token}, "password": {"wrong"}, "code": {p.phoneCode(phone, 1)}})
	mustContain(t, refused.body, `id="off-password-problem"`)
	refused = p.post("/settings/second-factor/codes", url.Values{formField: {token}, "password": {peoplePassword}, "code": {"000000"}})
	mustContain(t, refused.body, `id="renew-code-problem"`)
	renewed := p.post("/settings/second-factor/codes", url.Values{formField: {token}, "password": {peoplePassword}, "code": {recovery[0]}})
	mustContain(t, renewed.body, "The old recovery codes work no more.")
	if strings.Contains(renewed.body, recovery[1]) {
		t.Error("shows an old code")
	}
	off := p.post("/settings/second-factor/disable", url.Values{formField: {token}, "password": {peoplePassword}, "code": {p.phoneCode(phone, 1)}})
	if off.StatusCode != http.StatusSeeOther {
		t.Fatalf("off: %d %.500s", off.StatusCode, off.body)
	}
	p.expectAudit(audit.ActionSecondFactorDisable, true, "admin")
	p.client = p.browser()
	p.mustEnter("admin")
}

func TestRecoveryCodes_DownloadGivesBackCodesAndNothingElse(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	token := p.mustEnter("admin")
	answer := p.post("/settings/second-factor/codes/download", url.Values{formField: {token}, "recovery_code": {"7KQ2-M9XA-P4RT-W3ZD"}})
	mustContain(t, answer.body, "7KQ2-M9XA-P4RT-W3ZD\n")
	mustContain(t, answer.Header.Get("Content-Disposition"), "attachment", "berth-recovery-codes.txt")
	for _, codes := range [][]string{nil, {"<script>"}, make([]string, 11)} {
		if answer := p.post("/settings/second-factor/codes/download", url.Values{formField: {token}, "recovery_code": codes}); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", codes, answer.StatusCode)
		}
	}
}

func TestDashboard_SuggestsASecondFactorUntilItIsThereOrDeclined(t *testing.T) {
	t.Parallel()
	const suggestion = "Turn on two-factor authentication"
	p := newPeople(t)
	p.person("bob")
	token := p.mustEnter("admin")
	mustContain(t, p.get("/admin").body, suggestion)
	if answer := p.post("/settings/second-factor/decline", url.Values{formField: {token}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", answer.StatusCode)
	}
	if strings.Contains(p.get("/admin").body, suggestion) {
		t.Error("suggested again")
	}
	p.client = p.browser()
	token = p.mustEnter("bob")
	mustContain(t, p.get("/admin").body, suggestion)
	p.enableFactor(token)
	if strings.Contains(p.get("/admin").body, suggestion) {
		t.Error("suggested to somebody who has one")
	}
}
