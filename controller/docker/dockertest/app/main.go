// Command app is what integration tests run inside containers: a small server, and a few ways to misbehave.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	arguments := append(os.Args[1:], "", "")
	switch command, value := arguments[0], arguments[1]; command {
	case "", "serve":
		serve()
	case "health":
		checkHealth()
	case "count":
		printLines(number(value))
	case "print":
		printLines(number(value))
		time.Sleep(time.Hour)
	case "long":
		fmt.Println(strings.Repeat("x", number(value)))
	case "exit":
		fmt.Fprintln(os.Stderr, "ending on purpose")
		os.Exit(number(value))
	case "hoard":
		hoard()
	case "fork":
		fork()
	case "babble":
		babble()
	case "fill":
		fill(value)
	case "where":
		printAddresses()
		serve()
	case "fetch":
		fetch(arguments[1:])
	case "write":
		must(os.WriteFile(value, []byte("written"), 0o644))
	case "variable":
		fmt.Printf("%s is %q\n", value, os.Getenv(value))
	case "digest":
		content, err := os.ReadFile(value)
		must(err)
		fmt.Printf("digest %x\n", sha256.Sum256(content))
	case "link":
		_ = os.Remove(arguments[2])
		must(os.Symlink(value, arguments[2]))
	case "sleep":
		time.Sleep(time.Duration(number(value)) * time.Second)
	default:
		fmt.Fprintln(os.Stderr, "unknown command", command)
		os.Exit(64)
	}
}

// serve answers with the release's VERSION at /, and lets a test look around.
func serve() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "hello", os.Getenv("VERSION"))
	})
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, r.FormValue("path"))
	})
	http.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		content, err := os.ReadFile(r.FormValue("path"))
		answer(w, string(content), err)
	})
	http.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		err := os.WriteFile(r.FormValue("path"), []byte("written"), 0o644)
		answer(w, "written", err)
	})
	http.HandleFunc("/environment", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, strings.Join(os.Environ(), "\n"))
	})
	http.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) {
		client := http.Client{Timeout: 2 * time.Second}
		response, err := client.Get(r.FormValue("url"))
		if err != nil {
			answer(w, "", err)
			return
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		answer(w, string(content), err)
	})
	serveAttacks()
	fmt.Println("listening on", port())
	must(http.ListenAndServe(":"+port(), nil))
}

func answer(w http.ResponseWriter, content string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	fmt.Fprint(w, content)
}

func checkHealth() {
	response, err := http.Get("http://127.0.0.1:" + port() + "/")
	must(err)
	must(response.Body.Close())
}

func printLines(count int) {
	for i := 1; i <= count; i++ {
		fmt.Println("line", i)
		fmt.Fprintln(os.Stderr, "error", i)
	}
}

// hoard takes memory until it is stopped.
func hoard() {
	var hoarded [][]byte
	for {
		block := make([]byte, 8<<20)
		for i := range block {
			block[i] = 1
		}
		hoarded = append(hoarded, block)
		fmt.Println("took", len(hoarded)*8, "MB")
	}
}

func port() string {
	if port := os.Getenv("PORT"); port != "" {
		return port
	}
	return "8000"
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
