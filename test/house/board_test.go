package house

// board is the whiteboard: each package of ours, and the ones that it may import. A package imports only what stands below it here, so
// the arrows go one way. Names below controller/ are written without it. "*" is every package below.
var board = []room{
	// What only tests and benchmarks run.
	{"test/bench", "archive test/stack"},
	{"test/smalldisk", ""},
	{"test/testapp", ""},
	{"test/corpus", "archive plan"},
	{"test/slowest", ""},
	{"test/stack", "test/claim test/patience"},
	{"test/authority", "test/claim test/patience"},
	{"test/claim", ""},
	{"test/patience", ""},

	{"cmd/berth", "*"},
	{"router", "*"},
	{"templates", ""},

	// The story, and the ledger that keeps its nouns.
	{"store/storetest", "store"},
	{"store", "controller release routing volumes uploads certificates environment app account audit problem limit domaincheck plan volume traefik"},
	{"controller", "release notice output usage routing volumes uploads certificates environment app account audit problem archive address docker domaincheck firstpage pause plan printable secret volume traefik"},
	{"release", "slots routing volumes uploads environment app audit problem archive docker firstpage pause plan printable secret volume traefik"},

	// Each one concern of apps.
	{"notice", "app"},
	{"slots", "app"},
	{"output", "app docker environment"},
	{"usage", "app docker"},
	{"routing", "certificates app problem domaincheck pause traefik"},
	{"volumes", "uploads app audit problem archive docker pause plan printable volume"},
	{"uploads", "app problem archive"},
	{"certificates", "app problem certificate docker dotenv pause secret traefik"},
	{"environment", "app problem docker plan printable secret"},

	// The nouns.
	{"app", "problem address docker domaincheck dotenv plan printable secret volume traefik"},
	{"account", "problem address printable secret"},
	{"audit", "problem pause printable"},

	// The tools, which know nothing of the story.
	{"docker/dockertest", ""},
	{"docker/dockertest/app", ""},
	{"docker/dockertest/helper", "listen volume"},
	{"volume/volumetest", "docker volume"},
	{"archive/archivetest", ""},
	{"docker", "listen pause plan printable volume"},
	{"domaincheck", "address traefik"},
	{"maintenance", "traefik"},
	{"plan", "address archive compose printable problem"},
	{"archive", "printable problem"},
	{"compose", "printable problem"},
	{"volume", "printable"},
	{"gate", "connections pause"},
	{"broker", ""},
	{"certificate", "problem"},
	{"connections", ""},
	{"dotenv", "printable problem"},
	{"firstpage", ""},
	{"limit", ""},
	{"listen", "pause"},
	{"secret", "problem"},
	{"site", ""},
	{"problem", ""},
	{"address", ""},
	{"pause", ""},
	{"printable", ""},

	{"traefik", ""},
}

// announced are the packages that stand on the board before they are there.
var announced = []string{}

const (
	mostLines   = 3000 // of a package below controller, comments included and tests not
	mostMethods = 15   // of an interface, the embedded ones included
)

// Present exceptions. A number here only goes down, and the line goes with the exception.
var (
	longPackages = map[string]int{
		"release": 3403,
		"docker":  5681,
		"plan":    5221,
		"store":   3206,
	}
	largeInterfaces = map[string]int{
		"limit.Ledger": 21,
		"router.Apps":  30,
	}
)
