package router

import (
	"net/http"
	"time"

	"berth/controller/account"
)

// keyJSON is the public half of an SSH key as the API shows it.
type keyJSON struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	Type        string     `json:"type"`
	Fingerprint string     `json:"fingerprint"`
	Account     string     `json:"account"`
	CreatedAt   time.Time  `json:"created_at"`
	UsedAt      *time.Time `json:"used_at"` // null: never
	UsedFrom    string     `json:"used_from,omitempty"`
}

// keysJSON is all SSH keys, the newest first.
type keysJSON struct {
	Keys []keyJSON `json:"keys"`
}

// keyWish is a key that is to be added.
type keyWish struct {
	Key  string `json:"key"`            // the line of the file that ends in .pub
	Name string `json:"name,omitempty"` // empty: the comment of the line
}

// sshJSON is where pushes are taken over SSH.
type sshJSON struct {
	On          bool   `json:"on"`
	Address     string `json:"address"` // the app's name and .git come behind it; empty where it is off
	Port        int    `json:"port"`
	Fingerprint string `json:"fingerprint"` // of the server's own key
	HostKey     string `json:"host_key"`    // the same key, for known_hosts
}

func keyOfJSON(key account.Key) keyJSON {
	return keyJSON{
		ID: key.ID, Name: key.Name, Type: key.Kind, Fingerprint: key.Fingerprint(), Account: key.AccountName,
		CreatedAt: key.CreatedAt, UsedAt: timeOrNull(key.UsedAt), UsedFrom: key.UsedFrom,
	}
}

// apiListKeys shows the keys of all accounts.
func (a *admin) apiListKeys(v *visit) error {
	found, err := a.keys.List(v.context())
	if err != nil {
		return err
	}
	made := keysJSON{Keys: []keyJSON{}}
	for _, key := range found {
		made.Keys = append(made.Keys, keyOfJSON(key))
	}
	return v.json(http.StatusOK, made)
}

// apiCreateKey gives the account of the token a key. It does less than the token, and stays
// when the token ends.
func (a *admin) apiCreateKey(v *visit) error {
	var wish keyWish
	if err := decodeJSON(v.request(), &wish, `{"key": "ssh-ed25519 AAAA... laptop"}`); err != nil {
		return err
	}
	owner, err := a.ownerOfToken(v)
	if err != nil {
		return err
	}
	made, err := a.addKey(v, owner, wish.Name, wish.Key)
	if err != nil {
		return err
	}
	return v.json(http.StatusCreated, keyOfJSON(made))
}

// ownerOfToken is the account that made the token: the operator's for those of the command
// line.
func (a *admin) ownerOfToken(v *visit) (int64, error) {
	if v.caller.token.Account != 0 {
		return v.caller.token.Account, nil
	}
	accounts, err := a.accounts.List(v.context())
	if err != nil {
		return 0, err
	}
	for _, one := range accounts {
		if one.Name == account.OperatorName {
			return one.ID, nil
		}
	}
	return 0, notFound("The operator's account is missing.", nil)
}

// apiDeleteKey ends a key at once.
func (a *admin) apiDeleteKey(v *visit) error {
	if _, err := a.removeKey(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}

// apiShowSSH says where pushes are taken over SSH, and by which key clients know the server.
func (a *admin) apiShowSSH(v *visit) error {
	return v.json(http.StatusOK, sshJSON{
		On: a.ssh.Port != 0, Address: a.sshAddress(""), Port: int(a.ssh.Port), Fingerprint: a.ssh.Fingerprint, HostKey: a.ssh.PublicKey,
	})
}
