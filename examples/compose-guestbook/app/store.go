package main

import (
	"bufio"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	mostEntries = 1000
	mostText    = 500
)

// entry is what one visitor wrote.
type entry struct {
	Name string    `json:"name"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// store keeps entries in memory and in a file, one JSON value on each line.
type store struct {
	token string

	mutex   sync.Mutex
	file    *os.File
	entries []entry
}

func openStore(path, token string) (*store, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	s := &store{token: token, file: file}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil { // a line that a crash cut short is left out
			s.entries = append(s.entries, e)
		}
	}
	return s, nil
}

func (s *store) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", healthy)
	mux.HandleFunc("GET /entries", s.guarded(s.list))
	mux.HandleFunc("POST /entries", s.guarded(s.add))
	return mux
}

func (s *store) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+s.token)) != 1 {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func (s *store) list(w http.ResponseWriter, _ *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_ = json.NewEncoder(w).Encode(s.entries)
}

func (s *store) add(w http.ResponseWriter, r *http.Request) {
	var e entry
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&e); err != nil || len(e.Name)+len(e.Text) > mostText {
		http.Error(w, "not an entry", http.StatusBadRequest)
		return
	}
	e.At = time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		http.Error(w, "not an entry", http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.entries) >= mostEntries {
		http.Error(w, "the book is full", http.StatusInsufficientStorage)
		return
	}
	if _, err := s.file.Write(append(line, '\n')); err != nil {
		http.Error(w, "the book cannot be written to", http.StatusInternalServerError)
		return
	}
	s.entries = append(s.entries, e)
	w.WriteHeader(http.StatusCreated)
}
