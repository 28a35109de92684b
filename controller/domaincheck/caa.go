package domaincheck

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"berth/traefik"
)

// criticalFlag marks a CAA record that an authority must understand (RFC 8659, 4.1).
const criticalFlag = 128

// checkCAA climbs from the host to its top-level domain until there are CAA records
// (RFC 8659, 3), and looks for the authority in them.
func (c *Checker) checkCAA(ctx context.Context, host traefik.Host) Finding {
	name := string(host)
	for name != "" {
		answer, err := c.ask(ctx, name, dns.TypeCAA)
		if err != nil {
			return Finding{
				About: AboutCAA, Outcome: Unknown, Message: fmt.Sprintf("DNS could not be asked for the CAA records of %s: %s.", name, err),
				Hint: "An authority that cannot ask for them gives no certificate.",
			}
		}
		var records []*dns.CAA
		for _, record := range answer {
			if caa, ok := record.(*dns.CAA); ok {
				records = append(records, caa)
			}
		}
		if len(records) > 0 {
			return c.judgeCAA(name, records)
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return Finding{About: AboutCAA, Outcome: Good, Message: "No CAA record forbids it."}
}

func (c *Checker) judgeCAA(name string, records []*dns.CAA) Finding {
	var allowed []string
	restricted := false
	for _, record := range records {
		switch tag := strings.ToLower(record.Tag); {
		case tag == "issue":
			restricted = true
			issuer, _, _ := strings.Cut(record.Value, ";")
			if issuer = strings.ToLower(strings.TrimSpace(issuer)); issuer != "" {
				allowed = append(allowed, issuer)
			}
		case tag == "issuewild", tag == "iodef", tag == "contactemail", tag == "contactphone", tag == "issuemail", tag == "issuevmc":
		case record.Flag&criticalFlag != 0:
			return Finding{
				About: AboutCAA, Outcome: Bad, Message: fmt.Sprintf("%s has a critical CAA record of the unknown kind %.40q, which forbids every certificate.", name, record.Tag),
				Hint: "Remove it.",
			}
		}
	}
	for _, issuer := range allowed {
		if issuer == c.options.Authority {
			return Finding{About: AboutCAA, Outcome: Good, Message: fmt.Sprintf("The CAA records of %s allow %s.", name, issuer)}
		}
	}
	if !restricted {
		return Finding{About: AboutCAA, Outcome: Good, Message: fmt.Sprintf("The CAA records of %s restrict nobody here.", name)}
	}
	who := "nobody"
	if len(allowed) > 0 {
		who = strings.Join(allowed, ", ") + " alone"
	}
	return Finding{
		About: AboutCAA, Outcome: Bad, Message: fmt.Sprintf("The CAA records of %s allow %s, and not %s.", name, who, c.options.Authority),
		Hint: fmt.Sprintf("Add the record: %s CAA 0 issue %q.", name, c.options.Authority),
	}
}
