package router

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-contrib/sessions"
	gorilla "github.com/gorilla/sessions"

	"berth/controller/account"
	"berth/controller/problem"
)

// sessionName is the session's name inside the program. The cookie that carries
// its id is called cookieName.
const sessionName = "berth"

// What a session holds, by key.
const (
	accountKey   = "account"   // int64: who is signed in
	pendingKey   = "pending"   // int64: whose password was right while the second factor is still to come
	noticeKey    = "notice"    // string: a sentence for the next page
	undoKey      = "undo"      // string: the app that a button beside the notice starts again
	enrolmentKey = "enrolment" // []byte: the sealed key of a second factor that is being set up
	addressKey   = "address"   // string: where the person signs in from; kept from the first save on
	renewKey     = "renew"     // any: give the session a new id when it is saved
)

const (
	sessionIDBytes = 32          // 256 bits
	touchEvery     = time.Minute // how exactly SeenAt is kept; saves a write per request
	mostUserAgent  = 400         // bytes of what a browser calls itself
)

var (
	errNoSession  = errors.New("the session is over")
	errSharedName = errors.New("no session begins on a name that apps answer on")
)

// sessionStore keeps sessions in the ledger: the cookie holds a random id and
// nothing else, the ledger holds the id's hash. It implements sessions.Store.
//
// An id that a browser brings along and the ledger does not know is never
// adopted, and a session that is renewed leaves its old id behind, so that
// nobody can be signed in under an id that somebody else knows.
type sessionStore struct {
	ledger account.SessionLedger
	life   account.SessionLife
	secure bool   // the cookie is Secure even where this hop is plain
	host   string // the only name that gets a cookie
	now    func() time.Time
}

var _ sessions.Store = (*sessionStore)(nil)

func newSessionStore(ledger account.SessionLedger, secure bool, host string) *sessionStore {
	return &sessionStore{ledger: ledger, life: account.DefaultSessionLife(), secure: secure, host: host, now: time.Now}
}

// Options is part of sessions.Store. The cookie's attributes are not up for choice.
func (*sessionStore) Options(sessions.Options) {}

// Get returns the request's session, found once per request.
func (s *sessionStore) Get(r *http.Request, name string) (*gorilla.Session, error) {
	return gorilla.GetRegistry(r).Get(s, name)
}

// New finds the session that the request's cookie names. Where there is none,
// or it is over, the session is a new one without an id.
func (s *sessionStore) New(r *http.Request, name string) (*gorilla.Session, error) {
	session := gorilla.NewSession(s, name)
	session.IsNew = true
	id := readIDCookie(r, s.cookieName(r))
	if id == "" {
		return session, nil
	}
	record, err := s.find(r.Context(), id)
	if errors.Is(err, errNoSession) {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID, session.IsNew = id, false
	if record.Account != 0 {
		session.Values[accountKey] = record.Account
	}
	if record.Pending != 0 {
		session.Values[pendingKey] = record.Pending
	}
	return session, decodeValues(record.Data, session.Values)
}

// Save writes the session, or ends it where its options say MaxAge below zero.
func (s *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *gorilla.Session) error {
	if session.Options.MaxAge < 0 {
		return s.end(r, w, session)
	}
	_, renew := session.Values[renewKey]
	delete(session.Values, renewKey)
	if session.IsNew || renew {
		return s.begin(r, w, session)
	}
	record, err := s.find(r.Context(), session.ID)
	if err != nil {
		return signedOut(err)
	}
	if record.Data, err = encodeValues(session.Values); err != nil {
		return err
	}
	return s.update(r.Context(), record)
}

// begin stores the session under an id that nobody had before; the old one is
// worth nothing any more.
func (s *sessionStore) begin(r *http.Request, w http.ResponseWriter, session *gorilla.Session) error {
	if normalHost(r.Host) != s.host {
		return errSharedName
	}
	if err := s.forget(r.Context(), session.ID); err != nil {
		return err
	}
	session.ID, session.IsNew = newSessionID(), false
	now := s.now()
	record := account.Session{Hash: hashID(session.ID), CreatedAt: now, SeenAt: now, UserAgent: userAgent(r)}
	record.Account, _ = session.Values[accountKey].(int64)
	record.Pending, _ = session.Values[pendingKey].(int64)
	record.Address, _ = session.Values[addressKey].(string)
	var err error
	if record.Data, err = encodeValues(session.Values); err != nil {
		return err
	}
	if err := s.ledger.CreateSession(r.Context(), record); err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	s.writeCookie(w, s.cookie(r, s.cookieName(r), session.ID))
	if record.Account == 0 {
		return nil
	}
	if err := s.ledger.TrimSessionsOf(r.Context(), record.Account, account.SessionsPerAccount); err != nil {
		return fmt.Errorf("trim sessions: %w", err)
	}
	return nil
}

// touch records that the person is there, at most once in touchEvery.
func (s *sessionStore) touch(ctx context.Context, id, address string) error {
	record, err := s.find(ctx, id)
	if err != nil {
		return signedOut(err)
	}
	if s.now().Sub(record.SeenAt) < touchEvery && record.Address == address {
		return nil
	}
	record.SeenAt, record.Address = s.now(), address
	return s.update(ctx, record)
}

func (s *sessionStore) update(ctx context.Context, record account.Session) error {
	err := s.ledger.UpdateSession(ctx, record)
	if errors.Is(err, problem.ErrNotFound) {
		return notSignedIn(err) // it was ended meanwhile, and stays so
	}
	if err != nil {
		return fmt.Errorf("update session: %w", err)
	}
	return nil
}

// signedOut words a session that is over for the person whose it was.
func signedOut(err error) error {
	if errors.Is(err, errNoSession) {
		return notSignedIn(err)
	}
	return err
}

// list gives the sessions of an account that hold, the last used first.
func (s *sessionStore) list(ctx context.Context, who int64) ([]account.Session, error) {
	all, err := s.ledger.ListSessionsOf(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return slices.DeleteFunc(all, func(one account.Session) bool { return one.Expired(s.now(), s.life) }), nil
}

// holds reports whether the session of that id is still good.
func (s *sessionStore) holds(ctx context.Context, id string) bool {
	_, err := s.find(ctx, id)
	return err == nil
}

// find returns the record of an id, errNoSession where there is none or it is over.
func (s *sessionStore) find(ctx context.Context, id string) (account.Session, error) {
	record, err := s.ledger.FindSession(ctx, hashID(id))
	if errors.Is(err, problem.ErrNotFound) {
		return account.Session{}, errNoSession
	}
	if err != nil {
		return account.Session{}, fmt.Errorf("find session: %w", err)
	}
	if record.Expired(s.now(), s.life) {
		return account.Session{}, errNoSession
	}
	return record, nil
}

// forget removes the record of an old id, and with it what has run out.
func (s *sessionStore) forget(ctx context.Context, id string) error {
	if id != "" {
		if err := s.ledger.DeleteSession(ctx, hashID(id)); err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
	}
	if err := s.ledger.DeleteExpiredSessions(ctx, s.now(), s.life); err != nil {
		return fmt.Errorf("delete expired sessions: %w", err)
	}
	return nil
}

func (s *sessionStore) end(r *http.Request, w http.ResponseWriter, session *gorilla.Session) error {
	if err := s.forget(r.Context(), session.ID); err != nil {
		return err
	}
	cookie := s.cookie(r, s.cookieName(r), "") //nolint:gosec // made with every attribute just below
	cookie.MaxAge = -1
	s.writeCookie(w, cookie)
	return nil
}

// endExposed ends a session whose cookie came by a name that apps may answer on: the
// browser has shown it to them too. A request without a cookie costs nothing.
func (s *sessionStore) endExposed(w http.ResponseWriter, r *http.Request) error {
	name := s.cookieName(r)
	id := readIDCookie(r, name)
	if id == "" {
		return nil
	}
	cookie := s.cookie(r, name, "") //nolint:gosec // made with every attribute just below
	cookie.MaxAge = -1
	s.writeCookie(w, cookie)
	return s.forget(r.Context(), id)
}

func (s *sessionStore) isSecure(r *http.Request) bool { return s.secure || r.TLS != nil }

// cookieName has the __Host- prefix where it can: then no other host, and no
// plain connection, can set the cookie.
func (s *sessionStore) cookieName(r *http.Request) string {
	if s.isSecure(r) {
		return "__Host-berth"
	}
	return "berth"
}

func (s *sessionStore) cookie(r *http.Request, name, value string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure follows the connection: a plain one would not keep the cookie
		Name: name, Value: value, Path: "/",
		Secure: s.isSecure(r), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

func (*sessionStore) writeCookie(w http.ResponseWriter, cookie *http.Cookie) {
	http.SetCookie(w, cookie)
}

// readIDCookie is the id in the cookie of that name, empty where it is not one of ours.
func readIDCookie(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(raw) != sessionIDBytes {
		return ""
	}
	return cookie.Value
}

// userAgent is what the browser calls itself, as far as a page will show it.
func userAgent(r *http.Request) string {
	name := r.UserAgent()
	return strings.ToValidUTF8(name[:min(len(name), mostUserAgent)], "")
}

func newSessionID() string {
	raw := make([]byte, sessionIDBytes)
	rand.Read(raw) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw)
}

func hashID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// sessionValues is what Session.Data holds; the account has a column of its own.
type sessionValues struct {
	Notice    string `json:"notice,omitempty"`
	Undo      string `json:"undo,omitempty"`
	Enrolment []byte `json:"enrolment,omitempty"`
}

func encodeValues(values map[any]any) ([]byte, error) {
	notice, _ := values[noticeKey].(string)
	undo, _ := values[undoKey].(string)
	enrolment, _ := values[enrolmentKey].([]byte)
	data, err := json.Marshal(sessionValues{Notice: notice, Undo: undo, Enrolment: enrolment})
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	return data, nil
}

func decodeValues(data []byte, into map[any]any) error {
	if len(data) == 0 {
		return nil
	}
	var values sessionValues
	if err := json.Unmarshal(data, &values); err != nil {
		return fmt.Errorf("decode session: %w", err)
	}
	if values.Notice != "" {
		into[noticeKey] = values.Notice
	}
	if values.Undo != "" {
		into[undoKey] = values.Undo
	}
	if len(values.Enrolment) > 0 {
		into[enrolmentKey] = values.Enrolment
	}
	return nil
}
