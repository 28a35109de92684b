package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
)

// Numbers of system calls that package syscall lacks, on amd64 and arm64 alike where it
// matters: a test that uses others would only see them refused.
const (
	callSetns = 308
	callBPF   = 321
	callKeys  = 250
)

// attacks are what a container must not be able to do, as root inside too. Each returns
// nil where it worked.
var attacks = map[string]func() error{
	"mount":        func() error { return syscall.Mount("tmpfs", "/tmp", "tmpfs", 0, "") },
	"mknod":        func() error { return syscall.Mknod("/tmp/disk", syscall.S_IFBLK|0o666, 8<<8) },
	"ptrace":       ptrace,
	"raw":          func() error { return socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP) },
	"packet":       func() error { return socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0x300) },
	"setns":        setns,
	"unshare":      func() error { return syscall.Unshare(syscall.CLONE_NEWNS) },
	"chroot":       func() error { return syscall.Chroot("/tmp") },
	"sysctl":       func() error { return os.WriteFile("/proc/sys/kernel/panic", []byte("1"), 0) },
	"core-pattern": func() error { return os.WriteFile("/proc/sys/kernel/core_pattern", []byte("|/app"), 0) },
	"cgroup":       func() error { return os.Mkdir("/sys/fs/cgroup/pids/escape", 0o755) },
	"module":       func() error { return call(syscall.SYS_INIT_MODULE, 0, 0, 0) },
	"reboot":       func() error { return syscall.Reboot(syscall.LINUX_REBOOT_CMD_CAD_OFF) },
	"settime":      func() error { return syscall.Settimeofday(&syscall.Timeval{Sec: 1}) },
	"keyring":      func() error { return call(callKeys, 1, 0, 0) },
	"bpf":          func() error { return call(callBPF, 0, 0, 0) },
	"device":       openDevice,
	"step-down":    stepDown,
}

func serveAttacks() {
	http.HandleFunc("/attack", func(w http.ResponseWriter, r *http.Request) {
		attack := attacks[r.FormValue("kind")]
		if attack == nil {
			http.Error(w, "unknown attack", http.StatusBadRequest)
			return
		}
		if err := attack(); err != nil {
			fmt.Fprint(w, "refused: ", err)
			return
		}
		fmt.Fprint(w, "worked")
	})
}

func call(number, a, b, c uintptr) error {
	if _, _, errno := syscall.Syscall(number, a, b, c); errno == syscall.EPERM || errno == syscall.EACCES || errno == syscall.ENOSYS {
		return errno
	}
	return nil // it was not stopped, whatever it did
}

func socket(family, kind, protocol int) error {
	descriptor, err := syscall.Socket(family, kind, protocol)
	if err == nil {
		_ = syscall.Close(descriptor)
	}
	return err
}

// ptrace attaches to the first process, which is the engine's init.
func ptrace() error {
	err := syscall.PtraceAttach(1)
	if err == nil {
		_ = syscall.PtraceDetach(1)
	}
	return err
}

func setns() error {
	file, err := os.Open("/proc/1/ns/mnt")
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return call(callSetns, file.Fd(), syscall.CLONE_NEWNS, 0)
}

// openDevice makes a device in another way than mknod: by a link to memory.
func openDevice() error {
	for _, path := range []string{"/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda"} {
		if file, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
			_ = file.Close()
			return nil
		}
	}
	return errors.New("there is none")
}

// stepDown runs the program once more as nobody.
func stepDown() error {
	command := exec.Command("/proc/self/exe", "exit", "0")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return command.Run()
}
