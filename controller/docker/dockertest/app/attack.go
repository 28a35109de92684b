package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// fork starts itself again and again, as each of those does, until it may not.
func fork() {
	for {
		child := exec.Command("/app", "fork")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		must(child.Start())
	}
}

// babble prints without end.
func babble() {
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		_, err := fmt.Fprintln(w, strings.Repeat("y", 80))
		must(err)
	}
}

// fill writes to a file without end.
func fill(path string) {
	file, err := os.Create(path)
	must(err)
	block := []byte(strings.Repeat("z", 1<<20))
	for {
		_, err := file.Write(block)
		must(err)
	}
}

func printAddresses() {
	addresses, err := net.InterfaceAddrs()
	must(err)
	for _, address := range addresses {
		fmt.Println("address", address)
	}
}

// fetch says of each URL whether anybody answers there.
func fetch(urls []string) {
	client := http.Client{Timeout: 2 * time.Second}
	for _, url := range urls {
		if url == "" {
			continue
		}
		response, err := client.Get(url)
		if err != nil {
			fmt.Println("stopped", url)
			continue
		}
		_ = response.Body.Close()
		fmt.Println("reached", url)
	}
}
