// Package claim gives tests ports and networks of this machine that no other test has, until their process ends.
package claim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// The ports lie below those that the kernel gives to whoever asks for any (32768 and up, ip_local_port_range in ip(7)),
// so that no stranger gets one by chance between the claim and its use.
const (
	firstPort = 20000
	lastPort  = 31999
)

// held keeps the locks open: the kernel drops them with the process, however that ends.
var held struct {
	mu    sync.Mutex
	files map[string]*os.File
}

// Ports claims ports of the address that are free for TCP and for UDP.
func Ports(address string, count int) ([]string, error) {
	var ports []string
	for tries := 0; len(ports) < count; tries++ {
		if tries > lastPort-firstPort {
			return nil, fmt.Errorf("no %d free ports from %d to %d on %s", count, firstPort, lastPort, address)
		}
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort+1))
		if Name("port-"+port) && isFree(net.JoinHostPort(address, port)) {
			ports = append(ports, port)
		}
	}
	return ports, nil
}

// Name claims a name on this machine, and says whether it was free.
func Name(name string) bool {
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.files[name] != nil {
		return false
	}
	file, err := lock(name)
	if err != nil {
		return false
	}
	if held.files == nil {
		held.files = make(map[string]*os.File)
	}
	held.files[name] = file
	return true
}

func lock(name string) (*os.File, error) {
	folder := filepath.Join(os.TempDir(), "berth-test-claims")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(folder, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// isFree says whether the address can be listened on, for TCP and for UDP.
func isFree(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer func() { _ = listener.Close() }()
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	return packets.Close() == nil
}
