package traefik

// TCPSection holds routers, services and middlewares of TCP by name. Its names and those
// of HTTP and UDP do not meet.
type TCPSection struct {
	Routers     map[string]*StreamRouter  `yaml:"routers,omitempty"`
	Services    map[string]*StreamService `yaml:"services,omitempty"`
	Middlewares map[string]*TCPMiddleware `yaml:"middlewares,omitempty"`
}

// UDPSection holds routers and services of UDP by name. UDP has no middlewares.
type UDPSection struct {
	Routers  map[string]*StreamRouter  `yaml:"routers,omitempty"`
	Services map[string]*StreamService `yaml:"services,omitempty"`
}

// StreamRouter sends the connections of its entry points to a service. For UDP it has no
// Rule and no Middlewares, and is the only one of its entry point.
type StreamRouter struct {
	EntryPoints []string `yaml:"entryPoints,omitempty"`
	Middlewares []string `yaml:"middlewares,omitempty"`
	Rule        string   `yaml:"rule,omitempty"`
	Service     string   `yaml:"service,omitempty"`
}

// StreamService is the destination of a StreamRouter.
type StreamService struct {
	LoadBalancer *StreamBalancer `yaml:"loadBalancer,omitempty"`
}

// StreamBalancer spreads connections over servers.
type StreamBalancer struct {
	Servers []StreamServer `yaml:"servers,omitempty"`
}

// StreamServer is one instance, by its host:port.
type StreamServer struct {
	Address string `yaml:"address,omitempty"`
}

// TCPMiddleware closes connections before they reach the service.
type TCPMiddleware struct {
	IPAllowList  *IPAllowList  `yaml:"ipAllowList,omitempty"`
	InFlightConn *InFlightConn `yaml:"inFlightConn,omitempty"`
}

// InFlightConn bounds the open connections of one address.
type InFlightConn struct {
	Amount int64 `yaml:"amount,omitempty"`
}
