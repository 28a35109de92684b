package sshpush

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"

	"berth/controller/printable"
)

const (
	exitDone   = 0
	exitFailed = 1
)

// noShell answers whoever wants something else than a push.
const noShell = "Berth takes pushes of git over SSH, and nothing else. Push with: git push ssh://git@HOST:PORT/APP.git main"

// visit is a connection whose client is known.
type visit struct {
	server *Server
	ctx    context.Context //nolint:containedctx // of the connection
	raw    io.Closer
	push   Push
}

// takeSession serves the first session of a connection, and refuses all other channels.
func (v *visit) takeSession(channels <-chan ssh.NewChannel) {
	timer := time.NewTimer(v.server.times.command)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-v.ctx.Done():
			return
		case offered, more := <-channels:
			if !more {
				return
			}
			if offered.ChannelType() != "session" {
				_ = offered.Reject(ssh.Prohibited, "Berth forwards nothing.")
				continue
			}
			channel, requests, err := offered.Accept()
			if err != nil {
				return
			}
			go refuseChannels(channels)
			v.runSession(timer.C, channel, requests)
			return
		}
	}
}

// refuseChannels allows no second channel beside that of the push. It ends with the connection.
func refuseChannels(channels <-chan ssh.NewChannel) {
	for offered := range channels {
		_ = offered.Reject(ssh.ResourceShortage, "Berth takes one push for each connection.")
	}
}

// runSession waits for the command of a session, and runs it.
func (v *visit) runSession(late <-chan time.Time, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	for {
		select {
		case <-late:
			return
		case <-v.ctx.Done():
			return
		case request, more := <-requests:
			if !more {
				return
			}
			switch request.Type {
			case "exec", "shell", "subsystem":
				_ = request.Reply(true, nil) // so that the client shows what is said
				end(channel, v.run(channel, requests, request))
				return
			default: // pty-req, env, auth-agent-req@openssh.com, x11-req, ...
				_ = request.Reply(false, nil)
			}
		}
	}
}

// run runs a command and reports whether it was done.
func (v *visit) run(channel ssh.Channel, requests <-chan *ssh.Request, request *ssh.Request) bool {
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	go func() {
		ssh.DiscardRequests(requests) // until the client closes the channel
		cancel()
	}()
	var command struct{ Text string }
	if request.Type != "exec" || ssh.Unmarshal(request.Payload, &command) != nil {
		return refuse(channel.Stderr(), noShell)
	}
	name, err := parseCommand(command.Text)
	if err != nil {
		v.server.o.Logger.InfoContext(ctx, "ssh command refused", "account", v.push.Key.AccountName, "command", printable.Name(command.Text, longestCommand))
		return refuse(channel.Stderr(), err.Error())
	}
	push := v.push
	push.App, push.In = name, channel
	push.Out, push.Notes = &bounded{channel, v}, &bounded{channel.Stderr(), v}
	return v.server.o.Receive(ctx, push)
}

func refuse(notes io.Writer, reason string) bool {
	_, _ = fmt.Fprintf(notes, "berth: %s\n", reason)
	return false
}

// end tells the client how its command ended.
func end(channel ssh.Channel, done bool) {
	status := struct{ Status uint32 }{exitFailed}
	if done {
		status.Status = exitDone
	}
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(&status))
}

// bounded closes the connection of a client that does not take what is written.
type bounded struct {
	to    io.Writer
	visit *visit
}

// Write writes within the time that a client may stand still.
func (b *bounded) Write(text []byte) (int, error) {
	timer := time.AfterFunc(b.visit.server.times.still, func() { _ = b.visit.raw.Close() })
	defer timer.Stop()
	return b.to.Write(text)
}
