package router

import (
	"net"
	"strconv"
	"strings"
	"time"

	"berth/controller/account"
)

// The fields of the form that adds an SSH key.
const (
	fieldKeyName = "name"
	fieldKeyText = "ssh_key"
)

const keysPath = "/settings/keys"

type keysPage struct {
	frame
	Keys     []keyRow
	Name     string // as it was typed
	Text     string // likewise
	Most     int
	SSH      SSH
	Address  string // to push to, without the app
	Problems fieldProblems
}

// keyRow is an SSH key as the list shows it.
type keyRow struct {
	ID          int64
	Name        string
	Kind        string
	Fingerprint string
	Account     string
	CreatedAt   time.Time
	UsedAt      time.Time
	UsedFrom    string
	RemovePath  string
}

func (a *admin) showKeys(v *visit) error { return a.keysForm(v, keysPage{}) }

// createKey gives the person's account a key.
func (a *admin) createKey(v *visit) error {
	typed := v.request().PostForm
	page := keysPage{Name: typed.Get(fieldKeyName), Text: typed.Get(fieldKeyText), Problems: fieldProblems{}}
	made, err := a.addKey(v, v.caller.account.ID, page.Name, page.Text)
	if err := page.Problems.add(err); err != nil {
		return err
	}
	if len(page.Problems) > 0 {
		if strings.Contains(page.Text, "PRIVATE KEY") {
			page.Text = "" // it was a slip, and goes nowhere
		}
		return a.keysForm(v, page)
	}
	if err := v.notify("The SSH key " + made.Name + " can push now."); err != nil {
		return err
	}
	return v.seeOther(keysPath)
}

// addKey adds a key, and says so in the audit log.
func (a *admin) addKey(v *visit, owner int64, name, text string) (account.Key, error) {
	made, err := a.keys.Add(v.context(), owner, name, text)
	if err != nil {
		return account.Key{}, err
	}
	v.done.resource, v.done.detail = "ssh key "+made.Name, made.Fingerprint()+", of the account "+made.AccountName
	return made, nil
}

// deleteKey ends a key at once.
func (a *admin) deleteKey(v *visit) error {
	gone, err := a.removeKey(v)
	if err != nil {
		return err
	}
	if err := v.notify("The SSH key " + gone.Name + " is removed."); err != nil {
		return err
	}
	return v.seeOther(keysPath)
}

// removeKey ends the key that the path names.
func (a *admin) removeKey(v *visit) (account.Key, error) {
	id, err := v.number("id")
	if err != nil {
		return account.Key{}, err
	}
	gone, err := a.keys.Remove(v.context(), id)
	if err != nil {
		return account.Key{}, err
	}
	v.done.resource, v.done.detail = "ssh key "+gone.Name, gone.Fingerprint()+", of the account "+gone.AccountName
	return gone, nil
}

func (a *admin) keysForm(v *visit, page keysPage) error {
	keys, err := a.keys.List(v.context())
	if err != nil {
		return err
	}
	page.frame = v.frame("SSH keys")
	page.Section, page.Tab = "settings", "keys"
	page.Problem, page.Most, page.SSH, page.Address = page.Problems[""], account.MaxKeys, a.ssh, a.sshAddress("")
	for _, key := range keys {
		page.Keys = append(page.Keys, keyRow{
			ID: key.ID, Name: key.Name, Kind: key.Kind, Fingerprint: key.Fingerprint(), Account: key.AccountName,
			CreatedAt: key.CreatedAt, UsedAt: key.UsedAt, UsedFrom: key.UsedFrom,
			RemovePath: keysPath + "/" + strconv.FormatInt(key.ID, 10) + "/remove",
		})
	}
	return v.page(page.Problems.status(), "ssh_keys", page)
}

// sshAddress is where git pushes to over SSH; empty where it is off.
func (a *admin) sshAddress(repository string) string {
	if a.ssh.Port == 0 {
		return ""
	}
	return "ssh://git@" + net.JoinHostPort(a.host, strconv.Itoa(int(a.ssh.Port))) + "/" + repository
}
