package certificates

import "slices"

// DNSProvider keeps a domain's records. Its fields name the variables that the proxy
// needs to change them. docker-compose.yml tells the proxy where each variable's file is.
type DNSProvider struct {
	Name      string // in the proxy's configuration
	Title     string
	Variables []string
}

// DNSProviders are the providers whose credentials can be in files; sorted by title.
var DNSProviders = []DNSProvider{
	{"cloudflare", "Cloudflare", []string{"CF_DNS_API_TOKEN"}},
	{"desec", "deSEC", []string{"DESEC_TOKEN"}},
	{"digitalocean", "DigitalOcean", []string{"DO_AUTH_TOKEN"}},
	{"duckdns", "Duck DNS", []string{"DUCKDNS_TOKEN"}},
	{"gandiv5", "Gandi", []string{"GANDIV5_PERSONAL_ACCESS_TOKEN"}},
	{"hetzner", "Hetzner", []string{"HETZNER_API_TOKEN"}},
	{"httpreq", "HTTP request", []string{"HTTPREQ_ENDPOINT", "HTTPREQ_USERNAME", "HTTPREQ_PASSWORD"}},
	{"inwx", "INWX", []string{"INWX_USERNAME", "INWX_PASSWORD"}},
	{"ionos", "IONOS", []string{"IONOS_API_KEY"}},
	{"linode", "Linode", []string{"LINODE_TOKEN"}},
	{"netcup", "netcup", []string{"NETCUP_CUSTOMER_NUMBER", "NETCUP_API_KEY", "NETCUP_API_PASSWORD"}},
	{"ovh", "OVHcloud (ovh-eu)", []string{"OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"}},
	{"porkbun", "Porkbun", []string{"PORKBUN_API_KEY", "PORKBUN_SECRET_API_KEY"}},
	{"vultr", "Vultr", []string{"VULTR_API_KEY"}},
}

// findDNSProvider returns the provider of that name, or false.
func findDNSProvider(name string) (DNSProvider, bool) {
	at := slices.IndexFunc(DNSProviders, func(p DNSProvider) bool { return p.Name == name })
	if at < 0 {
		return DNSProvider{}, false
	}
	return DNSProviders[at], true
}
