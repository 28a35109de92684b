package house

// board is the whiteboard: each package of ours, and the ones that it may import. A package imports only what stands below it here, so
// the arrows go one way. Names below controller/ are written without it. "*" is every package below.
var board = []room{
	// What only tests and benchmarks run.
	{"test/bench", "store app archive traefik test/stack test/patience"},
	{"test/smalldisk", ""},
	{"test/testapp", ""},
	{"test/corpus", "app archive dialect dialects plan problem"},
	{"test/slowest", ""},
	{"test/stack", "test/claim test/patience"},
	{"test/authority", "test/claim test/patience"},
	{"test/claim", ""},
	{"test/patience", ""},

	{"cmd/berth", "*"},
	{"router", "*"},
	{"templates", ""},
	{"examples", ""},

	// The story, and the ledger that keeps its nouns.
	{"store/storetest", "store"},
	{"store", "store/people store/sqlite controller release routing volumes uploads certificates environment app account audit problem limit domaincheck plan volume traefik"},
	{"store/people", "store/sqlite account problem"},
	{"store/sqlite", "problem"},
	{"controller", "release notice output quiet usage routing volumes uploads certificates environment app account audit problem archive address docker domaincheck firstpage folder pause plan planner printable secret volume traefik dialects"},
	{"release", "slots routing volumes uploads environment app audit problem archive docker execfailure firstpage folder pause plan printable secret volume traefik dialects readiness look"},

	// Each one concern of apps.
	{"notice", "app"},
	{"refusals", "audit docker pause"},
	{"slots", "app"},
	{"readiness", "app docker plan printable"},
	{"output", "app docker environment"},
	{"quiet", "docker"},
	{"usage", "app docker"},
	{"routing", "certificates app problem domaincheck pause plan printable traefik"},
	{"dialects", "app problem archive dialect plan planner printable secret"},
	{"volumes", "uploads app audit problem archive docker pause plan printable volume"},
	{"uploads", "app problem archive"},
	{"revival", "app"},
	{"backup/restore", "backup/set backup/target docker problem volume"},
	{"backup", "backup/s3 backup/set backup/target app audit docker problem pause secret volume"},
	{"backup/s3", "backup/target printable secret"},
	{"backup/set", "backup/chunk backup/target"},
	{"backup/target", ""},
	{"backup/chunk", ""},
	{"certificates", "address app problem certificate docker dotenv pause secret traefik"},
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
	{"archive/archivetest", "archive"},
	{"problem/problemtest", "problem"},
	{"broker", "docker/link plan printable registry"},
	{"look", "docker plan problem"},
	{"docker", "docker/images docker/helper docker/networks docker/link plan printable volume"},
	{"docker/images", "docker/link dockerfile plan printable"},
	{"docker/helper", "docker/link listen printable volume"},
	{"docker/networks", "docker/link"},
	{"docker/link", "pause plan printable volume"},
	{"domaincheck", "address traefik"},
	{"maintenance", "traefik"},
	{"execfailure", "archive plan problem"},
	{"planner", "address entrypoint archive compose dockerfile nearmiss plan printable problem recipe registry lineends"},
	{"entrypoint", "archive plan"},
	{"plan", "archive dockerfile printable problem recipe registry"},
	{"recipe", "archive dockerfile nearmiss printable problem"},
	{"dockerfile", "archive problem registry"},
	{"registry", "address problem"},
	{"nearmiss", "archive problem"},
	{"lineends", "archive"},
	{"archive", "archive/expand printable problem"},
	{"archive/expand", ""},
	{"compose", "printable problem"},
	{"dialect", "dotenv printable problem"},
	{"volume", "printable"},
	{"gate", "connections pause"},
	{"certificate", "problem"},
	{"connections", ""},
	{"dotenv", "printable problem"},
	{"firstpage", "pause problem traefik"},
	{"folder", ""},
	{"limit", ""},
	{"listen", "pause"},
	{"secret", "problem"},
	{"site", ""},
	{"problem", ""},
	{"address", ""},
	{"pause", ""},
	{"printable", ""},

	{"traefik/traefiktest", "traefik"},
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
		"release": 3500,
	}
	largeInterfaces = map[string]int{}
)
