package traefik

// identityHeaders are the headers by which well-known proxies tell an app who has signed
// in. An app that is set up for such a proxy trusts them. No such proxy is in front of
// ours, so a client that sends one is a stranger with a false identity. The proxy matches
// no patterns, so each name is here. Headers that begin with X-Forwarded- are in
// forwardedHeaders.
var identityHeaders = []string{
	// Authelia, and servers that follow CGI
	"Remote-Email", "Remote-Groups", "Remote-Name",
	// Authentik
	"X-Authentik-Email", "X-Authentik-Entitlements", "X-Authentik-Groups", "X-Authentik-Jwt", "X-Authentik-Meta-App",
	"X-Authentik-Meta-Jwks", "X-Authentik-Meta-Outpost", "X-Authentik-Meta-Provider", "X-Authentik-Meta-Version",
	"X-Authentik-Name", "X-Authentik-Uid", "X-Authentik-Username",
	// oauth2-proxy
	"X-Auth-Request-Access-Token", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
	"X-Auth-Request-Redirect", "X-Auth-Request-User",
	// Grafana, Gitea and others
	"X-Webauth-Email", "X-Webauth-Fullname", "X-Webauth-Groups", "X-Webauth-Login", "X-Webauth-Name", "X-Webauth-Role", "X-Webauth-User",
	"X-Auth-Email", "X-Auth-User", "X-Auth-Username", "X-Authenticated-Email", "X-Authenticated-Groups", "X-Authenticated-User",
	// Cloudflare Access
	"Cf-Access-Authenticated-User-Email", "Cf-Access-Client-Id", "Cf-Access-Client-Secret", "Cf-Access-Jwt-Assertion",
	// clouds: Google, Amazon, Microsoft
	"X-Goog-Authenticated-User-Email", "X-Goog-Authenticated-User-Id", "X-Goog-Iap-Jwt-Assertion",
	"X-Amzn-Oidc-Accesstoken", "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity",
	"X-Ms-Client-Principal", "X-Ms-Client-Principal-Id", "X-Ms-Client-Principal-Idp", "X-Ms-Client-Principal-Name",
	"X-Ms-Token-Aad-Access-Token", "X-Ms-Token-Aad-Id-Token",
	// Kong, Pomerium, Tailscale, Vouch
	"X-Anonymous-Consumer", "X-Authenticated-Userid", "X-Consumer-Custom-Id", "X-Consumer-Groups",
	"X-Consumer-Id", "X-Consumer-Username", "X-Credential-Identifier",
	"X-Pomerium-Assertion", "X-Pomerium-Claim-Email", "X-Pomerium-Claim-Groups", "X-Pomerium-Claim-Name", "X-Pomerium-Claim-User",
	"X-Pomerium-Jwt-Assertion",
	"Tailscale-User-Login", "Tailscale-User-Name", "Tailscale-User-Profile-Pic",
	"X-Vouch-Idp-Accesstoken", "X-Vouch-Idp-Claims-Groups", "X-Vouch-Idp-Idtoken", "X-Vouch-Success", "X-Vouch-User",
	// client certificates from nginx, HAProxy, Apache and RFC 9440
	"Client-Cert", "Client-Cert-Chain", "Ssl-Client-Cert", "Ssl-Client-Fingerprint", "Ssl-Client-I-Dn", "Ssl-Client-Issuer-Dn",
	"Ssl-Client-S-Dn", "Ssl-Client-Serial", "Ssl-Client-Subject-Dn", "Ssl-Client-Verify",
	"X-Client-Cert", "X-Client-Certificate", "X-Client-Dn", "X-Client-Verify", "X-Ssl-Cert", "X-Ssl-Client-Cert", "X-Ssl-Client-Cn",
	"X-Ssl-Client-Dn", "X-Ssl-Client-Issuer", "X-Ssl-Client-S-Dn", "X-Ssl-Client-Serial", "X-Ssl-Client-Sha1",
	"X-Ssl-Client-Subject-Dn", "X-Ssl-Client-Verify",
}
