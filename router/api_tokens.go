package router

import (
	"net/http"
	"time"

	"berth/controller/account"
)

// tokenJSON is a token as the API shows it; its text is shown to nobody.
type tokenJSON struct {
	ID        int64         `json:"id"`
	Name      string        `json:"name"`
	Scope     account.Scope `json:"scope"`
	CreatedBy string        `json:"created_by"` // empty: the command line
	CreatedAt time.Time     `json:"created_at"`
	ExpiresAt time.Time     `json:"expires_at"`
	RevokedAt *time.Time    `json:"revoked_at"`
	UsedAt    *time.Time    `json:"used_at"`
	UsedFrom  string        `json:"used_from,omitempty"`
	From      []string      `json:"from"` // networks; empty: anywhere
}

// tokensJSON is all tokens, the newest first.
type tokensJSON struct {
	Tokens []tokenJSON `json:"tokens"`
}

// apiListTokens shows tokens. A token makes no other one.
func (a *admin) apiListTokens(v *visit) error {
	found, err := a.tokens.List(v.context())
	if err != nil {
		return err
	}
	made := tokensJSON{Tokens: []tokenJSON{}}
	for _, one := range found {
		token := tokenJSON{
			ID: one.ID, Name: one.Name, Scope: one.Scope, CreatedBy: one.CreatedBy, CreatedAt: one.CreatedAt, ExpiresAt: one.ExpiresAt,
			RevokedAt: timeOrNull(one.RevokedAt), UsedAt: timeOrNull(one.UsedAt), UsedFrom: one.UsedFrom, From: []string{},
		}
		for _, network := range one.Ranges {
			token.From = append(token.From, network.String())
		}
		made.Tokens = append(made.Tokens, token)
	}
	return v.json(http.StatusOK, made)
}

// apiRevokeToken ends a token at once.
func (a *admin) apiRevokeToken(v *visit) error {
	if _, err := a.revoke(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}
