package house

// board is the whiteboard: each package of ours, and the ones that it may import. A package imports only what stands below it here, so
// the arrows go one way. Names below controller/ are written without it. "*" is every package below.
var board = []room{
	// What only tests and benchmarks run.
	{"test/bench", "store store/sqlite metrics/history metrics app archive traefik test/stack test/patience"},
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
	{"router/openapi", ""},
	{"templates", ""},
	{"examples", ""},

	// The story, and the ledger that keeps its nouns.
	{"store/storetest", "store"},
	{"store", "store/people store/proofs reach store/sqlite controller release routing volumes uploads certificates environment app account audit problem limit domaincheck plan volume traefik store/growth room egress"},
	{"store/people", "store/sqlite account problem"},
	{"store/proofs", "store/sqlite reach app problem"},
	{"metrics/collect", "metrics/history metrics usage app docker pause traefik volume"},
	{"metrics/history", "metrics store/sqlite"},
	{"store/growth", "store/sqlite audit"},
	{"store/sqlite", "problem"},
	{"controller", "release notice output quiet usage routing volumes uploads certificates environment app account audit problem archive address docker domaincheck firstpage folder pause plan planner printable secret volume traefik dialects readiness"},
	{"release", "slots routing volumes uploads environment app audit problem archive docker diagnosis execfailure firstpage listening releaselog folder pause plan printable secret volume traefik dialects readiness look"},
	{"releaselog", "app environment folder printable problem"},
	{"diagnosis", "app docker execfailure plan printable problem"},

	// Each one concern of apps.
	{"checklist", "account app audit certificates docker egress holes pause printable problem reach refusals routing"},
	{"egress/keeper", "egress/exit egress app docker notice pause problem"},
	{"notice", "app"},
	{"refusals", "audit docker pause"},
	{"reach", "app docker pause probe problem traefik"},
	{"slots", "app"},
	{"readiness", "app docker plan printable"},
	{"disks", "retention room volumes app docker problem"},
	{"retention", "problem"},
	{"output", "app docker environment"},
	{"quiet", "docker"},
	{"usage", "app docker"},
	{"routing", "certificates app problem domaincheck pause plan printable traefik"},
	{"dialects", "app problem archive dialect plan planner printable secret"},
	{"volumes", "uploads app audit problem archive docker pause plan printable volume"},
	{"uploads", "app problem archive"},
	{"revival", "app"},
	{"backup/restore", "backup/set backup/target docker problem volume"},
	{"backup", "backup/s3 backup/set backup/target app audit docker problem pause room secret volume"},
	{"room", "printable problem"},
	{"backup/s3", "backup/target printable secret"},
	{"backup/set", "backup/chunk backup/target"},
	{"backup/target", ""},
	{"backup/chunk", ""},
	{"certificates", "address app problem certificate docker dotenv pause secret traefik"},
	{"environment", "app problem docker plan printable secret"},

	// The nouns.
	{"app", "egress problem address docker domaincheck dotenv plan printable secret volume traefik"},
	{"account", "problem address printable secret"},
	{"audit", "problem pause printable"},

	// The tools, which know nothing of the story.
	{"docker/dockertest", ""},
	{"docker/dockertest/app", ""},
	{"docker/dockertest/helper", "listen probe volume"},
	{"volume/volumetest", "docker volume"},
	{"archive/archivetest", "archive"},
	{"problem/problemtest", "problem"},
	{"broker", "docker/link plan printable probe registry"},
	{"look", "docker plan problem"},
	{"docker", "docker/images docker/helper docker/networks docker/link plan printable probe volume docker/printed docker/exits"},
	{"docker/printed", "docker/link printable"},
	{"docker/exits", "docker/helper docker/link docker/networks"},
	{"docker/images", "docker/link dockerfile plan printable"},
	{"docker/helper", "docker/link listen printable probe volume"},
	{"docker/networks", "docker/link"},
	{"docker/link", "pause plan printable volume"},
	{"domaincheck", "address traefik"},
	{"maintenance", "traefik"},
	{"execfailure", "archive plan problem"},
	{"listening", ""},
	{"planner", "address entrypoint archive compose dockerfile nearmiss plan printable problem recipe registry lineends hostpath"},
	{"entrypoint", "archive plan"},
	{"hostpath", "plan"},
	{"plan", "archive dockerfile printable problem recipe registry"},
	{"recipe", "archive dockerfile nearmiss printable problem"},
	{"dockerfile", "archive problem registry"},
	{"registry", "address problem"},
	{"metrics/exposition", "metrics"},
	{"chart", "metrics"},
	{"nearmiss", "archive problem"},
	{"lineends", "archive"},
	{"archive", "archive/expand printable problem"},
	{"archive/expand", ""},
	{"compose", "printable problem"},
	{"dialect", "dotenv printable problem"},
	{"volume", "printable"},
	{"egress/exit", "address connections egress pause"},
	{"egress", "problem"},
	{"gate", "connections pause"},
	{"certificate", "problem"},
	{"publicdoor", "connections"},
	{"connections", ""},
	{"dotenv", "printable problem"},
	{"firstpage", "pause problem traefik"},
	{"folder", ""},
	{"limit", ""},
	{"listen", "pause"},
	{"probe", ""},
	{"holes", ""},
	{"metrics", ""},
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
	longPackages    = map[string]int{}
	largeInterfaces = map[string]int{}
)
