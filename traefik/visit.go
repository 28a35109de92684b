package traefik

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Page is the proxy's answer to a visitor.
type Page struct {
	Status      int
	ContentType string
	Body        []byte // at most 256 KB of it
}

// Visit asks the proxy for the path and the query of the address over plain HTTP, like a
// visitor of the host, or of any host if it is empty. It always asks the proxy, wherever
// the address leads. It follows no redirect.
func (c *Client) Visit(ctx context.Context, host Host, address *url.URL) (Page, error) {
	asked := *c.web
	asked.Path, asked.RawPath, asked.RawQuery = address.Path, address.RawPath, address.RawQuery
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, asked.String(), http.NoBody)
	if err != nil {
		return Page{}, fmt.Errorf("visit %s: %w", asked.Path, err)
	}
	request.Host = string(host) // empty means the proxy's own address
	request.Header.Set("User-Agent", "Berth")
	request.Header.Set("Accept", "text/html,*/*;q=0.8")
	response, err := c.http.Do(request)
	if err != nil {
		return Page{}, fmt.Errorf("visit %s: %w", asked.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxProbeBytes))
	if err != nil {
		return Page{}, fmt.Errorf("visit %s: %w", asked.Path, err)
	}
	return Page{Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"), Body: body}, nil
}
