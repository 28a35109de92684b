package docker

import (
	"slices"
	"strconv"
	"strings"

	"berth/controller/docker/images"
	"berth/controller/docker/networks"
)

// exitPort is where the exit's proxy listens.
const exitPort = 3128

// listMode is the mode of a network whose apps may connect to a list of hosts.
const listMode = "list"

// namesFrom is who answers questions about names that the app's own network does not
// have. Older engines ask the machine's resolver even from a network that leads nowhere,
// so on such a network the exit is asked, which refuses.
func namesFrom(network networks.Network) []string {
	if exit := network.Exit(); exit.IsValid() {
		return []string{exit.String()}
	}
	return nil
}

// proxyVariables tell the app's clients of the exit's proxy, where the app has a list.
// What a person or the image says about a variable, in either spelling, holds.
func (e *Engine) proxyVariables(options StartOptions) []string {
	if options.Network.Egress != listMode {
		return nil
	}
	proxy := "http://" + e.link.ExitName() + ":" + strconv.Itoa(exitPort)
	direct := slices.Concat([]string{"localhost", "127.0.0.1", "::1", options.Network.Subnet.String()}, options.Beside)
	var variables []string
	for _, one := range [][2]string{{"HTTP_PROXY", proxy}, {"HTTPS_PROXY", proxy}, {"NO_PROXY", strings.Join(direct, ",")}} {
		lower := strings.ToLower(one[0])
		if slices.ContainsFunc([]string{one[0], lower}, func(name string) bool {
			return images.HasVariable(options.environment, name) || slices.Contains(options.Image.Proxies, name)
		}) {
			continue
		}
		variables = append(variables, one[0]+"="+one[1], lower+"="+one[1])
	}
	return variables
}
