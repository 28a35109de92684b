package exit

import (
	"context"
	"fmt"
	"strconv"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
)

// refuseNames answers every question with REFUSED: the engine answers for the names of an
// app's own network itself, and no other name leaves the network.
func refuseNames(ctx context.Context, port int) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, network := range []string{"udp", "tcp"} {
		server := &dns.Server{Addr: ":" + strconv.Itoa(port), Net: network, Handler: dns.HandlerFunc(refuseName)}
		group.Go(func() error {
			stop := context.AfterFunc(ctx, func() { _ = server.Shutdown() })
			defer stop()
			if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
				return fmt.Errorf("answer questions over %s: %w", network, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func refuseName(w dns.ResponseWriter, question *dns.Msg) {
	_ = w.WriteMsg(new(dns.Msg).SetRcode(question, dns.RcodeRefused))
}
