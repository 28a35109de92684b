package desk

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/channel"
)

// outboxOf makes the messages of a pass. What began in quiet hours is one message.
func outboxOf(all []told, channels []alert.Channel, base string, now time.Time) (outbox []alert.Outgoing) {
	add := func(to alert.Channel, message channel.Message) {
		message.ID, message.At = rand.Text(), now.UTC()
		outbox = append(outbox, alert.Outgoing{Channel: to.ID, Message: message, Created: now})
	}
	for _, to := range channels {
		var held []told
		for _, one := range all {
			switch {
			case len(one.rule.Channels) > 0 && !slices.Contains(one.rule.Channels, to.ID):
			case one.tell == alert.ThatItFires && one.state.Held:
				held = append(held, one)
			default:
				add(to, messageOf(one, base, now))
			}
		}
		if len(held) > 0 {
			add(to, digestOf(held, base, now))
		}
	}
	return outbox
}

func messageOf(one told, base string, now time.Time) channel.Message {
	message := channel.Message{Type: channel.Firing, Title: one.rule.Name + ": " + one.state.Subject.Words(), URL: base + pathOf(one)}
	if one.tell == alert.ThatItIsOver {
		message.Type, message.Title = channel.Over, "Over: "+message.Title
		message.Lines = append(message.Lines, fmt.Sprintf("It took %s.", now.Sub(one.since).Round(time.Second)))
	}
	message.Lines = append(message.Lines, linesOf(one)...)
	return message
}

// digestOf is what still fires at the end of quiet hours.
func digestOf(held []told, base string, now time.Time) channel.Message {
	if len(held) == 1 {
		return messageOf(held[0], base, now)
	}
	message := channel.Message{Type: channel.Digest, Title: fmt.Sprintf("%d alerts still fire after the quiet hours", len(held)), URL: base + "/settings/alerts"}
	for _, one := range held {
		line := one.rule.Name + ": " + one.state.Subject.Words()
		for _, more := range linesOf(one) {
			line += ". " + more
		}
		message.Lines = append(message.Lines, line)
	}
	return message
}

func linesOf(one told) (lines []string) {
	if one.rule.Metric != "" && one.rule.Metric != alert.AppDown {
		lines = append(lines, one.rule.Metric.Label()+": "+strconv.FormatFloat(one.state.Value, 'f', -1, 64)+", threshold "+strconv.FormatFloat(one.rule.Threshold, 'f', -1, 64))
	}
	if one.state.Detail != "" {
		lines = append(lines, one.state.Detail)
	}
	return lines
}

// pathOf leads to the page where a person sees more.
func pathOf(one told) string {
	switch {
	case one.state.Subject.App != "":
		return "/admin/apps/" + url.PathEscape(one.state.Subject.App)
	case one.rule.Metric == alert.CertificateDays:
		return "/settings/certificates"
	case one.rule.Metric == alert.DiskPercent:
		return "/settings/disks"
	case one.rule.Metric == alert.BackupHours:
		return "/settings/backups"
	default:
		return "/events?kind=" + url.QueryEscape(string(one.rule.Event))
	}
}
