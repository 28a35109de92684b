package planner

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/test/patience"
)

const extendsBase = "services:\n  web:\n    extends: {file: base.yaml, service: base}\n"

func TestInclusion_RefusesWhatOtherFilesHideAtTheirPlace(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		wants []string
	}{
		"include with the engine's socket": {
			[]string{"compose.yaml", "include: [a/b.yaml]\n", "a/b.yaml", "services:\n  evil:\n    image: a:1\n    volumes:\n      - /var/run/docker.sock:/s\n"},
			[]string{"a/b.yaml, line 5: the socket"},
		},
		"include that is privileged": {
			[]string{"compose.yaml", "include: [a/b.yaml]\nservices:\n  web:\n    image: a:1\n    pid: host\n", "a/b.yaml", "services:\n  evil:\n    image: a:1\n    privileged: true\n"},
			[]string{"a/b.yaml, line 4: privileged", "compose.yaml, line 5: pid"},
		},
		"privileged two files away": {
			[]string{"compose.yaml", extendsBase, "base.yaml", "services:\n  base:\n    extends: {file: deep/er.yaml, service: e}\n", "deep/er.yaml", "x: &a {privileged: true}\nservices:\n  e:\n    image: a:1\n    <<: *a\n"},
			[]string{"deep/er.yaml, line 1: "},
		},
		"privileged by a variable": {
			[]string{"compose.yaml", extendsBase, "base.yaml", "services:\n  base:\n    image: a:1\n    privileged: ${A:-true}\n"},
			[]string{"base.yaml, line 4: privileged"},
		},
		"socket of an extended service": {
			[]string{"compose.yaml", extendsBase + "    volumes: [\"d:/d\"]\n", "base.yaml", "services:\n  base:\n    image: a:1\n    volumes:\n      - ${S:-/var/run}/docker.sock:/s\n"},
			[]string{"base.yaml, line 5: the socket"},
		},
		"host path of an extended service in a folder": {
			[]string{"compose.yaml", "services:\n  web:\n    extends: {file: a/base.yaml, service: base}\n", "a/base.yaml", "services:\n  base:\n    image: a:1\n    volumes:\n      - ${UP:-..}/../../etc:/s\n      - {type: bind, source: /etc, target: /t}\n"},
			[]string{"a/base.yaml, line 5: outside", "a/base.yaml, line 6: host"},
		},
		"include of itself":      {[]string{"compose.yaml", "include: [compose.yaml]\nservices: {web: {image: \"a:1\"}}\n"}, []string{"compose.yaml, line 1: includes itself"}},
		"includes in a circle":   {[]string{"compose.yaml", "include: [a.yaml]\nservices: {web: {image: \"a:1\"}}\n", "a.yaml", "include:\n  - b.yaml\n", "b.yaml", "include:\n  - ./a.yaml\n"}, []string{"b.yaml, line 2: includes itself"}},
		"circle over two files":  {[]string{"compose.yaml", extendsBase, "base.yaml", "services:\n  base:\n    image: a:1\n    extends:\n      file: compose.yaml\n      service: web\n"}, []string{"base.yaml, line 4: Circular extends: web in compose.yaml, then base in base.yaml, then web in compose.yaml"}},
		"circle by another path": {[]string{"compose.yaml", "services:\n  web:\n    extends: {file: ./a/../compose.yaml, service: web}\n", "a/x", ""}, []string{"compose.yaml, line 3: Circular"}},
		"service of nowhere":     {[]string{"compose.yaml", extendsBase, "base.yaml", "services: {other: {image: \"a:1\"}}\n"}, []string{"compose.yaml, line 3: not found in base.yaml"}},
		"names of the platform":  {[]string{"compose.yaml", "include: [a.yaml]\nservices: {web: {image: \"a:1\", ports: [\"80\"]}}\n", "a.yaml", "services:\n  berth: {image: \"a:1\"}\n  shop-r7: {image: \"a:1\"}\n  x:\n    image: a:1\n    labels: {berth.app: other}\nvolumes: {v: {name: berth-1}}\n"}, []string{"a.yaml, line 2: Berth gives", "a.yaml, line 3: Berth gives", "a.yaml, line 6: only the platform", "a.yaml, line 7: names volumes"}},
		"names that collide":     {[]string{"compose.yaml", "include:\n  - a.yaml\nservices:\n  web: {image: \"a:1\"}\n", "a.yaml", "services:\n  web: {image: \"b:1\"}\nvolumes: {v: }\n"}, []string{"a.yaml, line 2: services.web is there twice: also in compose.yaml, line 4"}},
		"colliding includes":     {[]string{"compose.yaml", "include: [a.yaml, b.yaml]\nservices: {web: {image: \"a:1\", ports: [\"80\"]}}\n", "a.yaml", "services:\n  db: {image: \"b:1\"}\n", "b.yaml", "networks: {n: }\nservices:\n  db: {image: \"b:1\"}\n"}, []string{"b.yaml, line 3: services.db is there twice: also in a.yaml, line 2"}},
		"a file of 1 MB":         {[]string{"compose.yaml", extendsBase, "base.yaml", "#" + noiseOf(1<<20)}, []string{"compose.yaml, line 3: larger than"}},
		"a file that is no YAML": {[]string{"compose.yaml", extendsBase, "base.yaml", "services:\n\tx"}, []string{"base.yaml, line 2: not YAML"}},
		"a tag":                  {[]string{"compose.yaml", extendsBase, "base.yaml", "services:\n  base: {image: \"a:1\", ports: !reset []}\n"}, []string{"base.yaml, line 2: !reset"}},
		"forged references":      {[]string{"compose.yaml", extendsBase, "base.yaml", "services:\n  base:\n    image: a:1\n    environment: {A: \"" + plan.SecretReference("KEY") + "\"}\n"}, []string{"compose.yaml, line 3: private use"}},
		"variables of include":   {[]string{"compose.yaml", "include:\n  - path: a.yaml\n    env_file: .env\nservices: {web: {image: \"a:1\"}}\n", "a.yaml", "services: {b: {image: \"b:1\"}}\n"}, []string{"compose.yaml, line 3: env_file"}},
		"include of a mapping":   {[]string{"compose.yaml", "include: {path: a.yaml}\nservices: {web: {image: \"a:1\"}}\n"}, []string{"compose.yaml, line 1: "}},
		"include without a file": {[]string{"compose.yaml", "include: [{project_directory: a}]\nservices: {web: {image: \"a:1\"}}\n"}, []string{"compose.yaml, line 1: names no file"}},
		"folder outside":         {[]string{"compose.yaml", "include: [{path: a.yaml, project_directory: ../..}]\nservices: {web: {image: \"a:1\"}}\n", "a.yaml", "services: {b: {image: \"b:1\"}}\n"}, []string{"compose.yaml, line 1: outside"}},
		"no variable":            {[]string{"compose.yaml", extendsBase, "base.yaml", "services:\n  base:\n    image: a:1\n    environment:\n      A: ${SECRET:?say it}\n"}, []string{"base.yaml, line 5: SECRET has no value: say it"}},
		"empty variable":         {[]string{"compose.yaml", "include: [base.yaml]\n", "base.yaml", "services:\n  base:\n    image: a:1\n    environment:\n      A: ${SECRET}\n"}, []string{"base.yaml, line 5: SECRET has no value"}},
		"wrong type":             {[]string{"compose.yaml", "include: [a.yaml]\nservices: {web: {image: \"a:1\"}}\n", "a.yaml", "services:\n  b:\n    image: b:1\n    environment: 7\n"}, []string{"a.yaml, line 4: cannot be used"}},
		"lists joined to none":   {[]string{"compose.yaml", extendsBase + "    ports: 7\n", "base.yaml", "services:\n  base:\n    image: a:1\n    ports: [\"80\"]\n"}, []string{"compose.yaml, line 4: cannot override services.web.ports"}},
		"broken variables":       {[]string{"compose.yaml", "include: [a.yaml]\nservices:\n  web:\n    image: ${A\n    user: ${B\n", "a.yaml", "services:\n  b:\n    image: ${C\n"}, []string{"compose.yaml, line 4: ", "compose.yaml, line 5: ", "a.yaml, line 3: "}},
		"broken extended":        {[]string{"compose.yaml", "services:\n  base:\n    image: a:1\n    extends: {file: base.yaml, service: base}\n", "base.yaml", "services:\n  base:\n    user: ${B\n"}, []string{"base.yaml, line 3: "}},
		"services that are none": {[]string{"compose.yaml", extendsBase, "base.yaml", "services: [base]\n"}, []string{"compose.yaml, line 3: not found"}},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := planFiles(t, plan.Options{}, append(c.files, "README.md", "x")...)
			mustFault(t, err, c.wants...)
			if took := time.Since(began); took > patience.Of(10*time.Second) {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestInclusion_NamesEveryFaultAtOnce(t *testing.T) {
	_, err := planFiles(t, plan.Options{}, "compose.yaml", "include: [missing.yaml, a.yaml]\nservices:\n  web:\n    image: a:1\n    pid: host\n    extends: {file: gone.yaml, service: x}\n  two:\n    image: a:1\n    volumes: [\"/etc:/x\"]\n",
		"a.yaml", "services:\n  b:\n    image: b:1\n    devices: [\"/dev/kmsg\"]\n    volumes: [\"/proc:/x\"]\n")
	mustFault(t, err, "a.yaml, line 4: devices", "a.yaml, line 5: /proc", "compose.yaml, line 1: missing.yaml", "compose.yaml, line 5: pid", "compose.yaml, line 6: gone.yaml", "compose.yaml, line 9: /etc")
	if all := problem.RefusalsIn(err); len(all) != 6 {
		t.Errorf("%d faults:\n%v", len(all), err)
	}
}

func TestInclusion_BoundsFilesAndServices(t *testing.T) {
	var includes, chain, wide strings.Builder
	files := []string{"README.md", "x"}
	for i := range 40 {
		fmt.Fprintf(&includes, "  - f%d.yaml\n", i)
		files = append(files, fmt.Sprintf("f%d.yaml", i), fmt.Sprintf("include: [f%d.yaml]\nservices: {s%d: {image: \"a:1\"}}\n", i+1, i))
	}
	_, err := planFiles(t, plan.Options{}, append(files, "compose.yaml", "include: [f0.yaml]\nservices: {web: {image: \"a:1\"}}\n")...)
	mustFault(t, err, "f7.yaml, line 1: include one another")
	_, err = planFiles(t, plan.Options{}, append(files, "compose.yaml", "include:\n"+includes.String())...)
	mustFault(t, err, "", "compose.yaml, line 40: more than 20")

	chain.WriteString("services:\n")
	wide.WriteString("services:\n")
	for i := range 1000 {
		fmt.Fprintf(&chain, "  s%d: {extends: s%d}\n", i, i+1)
		if i < 49 {
			fmt.Fprintf(&wide, "  s%d: {extends: {file: far.yaml, service: s%d}}\n", i, i*20)
		}
	}
	chain.WriteString("  s1000: {image: \"a:1\"}\n")
	_, err = planFiles(t, plan.Options{}, "compose.yaml", wide.String(), "far.yaml", chain.String())
	mustFault(t, err, "far.yaml, line 102: more than 100 services")
	_, err = planFiles(t, plan.Options{}, "compose.yaml", chain.String())
	mustFault(t, err, "compose.yaml, line 2: more than 50 services")
}

func TestInclusion_BoundsWhatExtendsWritesOut(t *testing.T) {
	var big, many strings.Builder
	big.WriteString("services:\n  base:\n    image: a:1\n    environment:\n")
	for i := range 9000 {
		fmt.Fprintf(&big, "      A%d: x\n", i)
	}
	many.WriteString("services:\n")
	for i := range 48 {
		fmt.Fprintf(&many, "  s%d: {extends: {file: big.yaml, service: base}}\n", i)
	}
	began := time.Now()
	_, err := planFiles(t, plan.Options{}, "compose.yaml", many.String(), "big.yaml", big.String())
	mustFault(t, err, "compose.yaml, line 5: hold too much")
	if took := time.Since(began); took > patience.Of(10*time.Second) {
		t.Errorf("it took %s", took)
	}
}

func TestInclusion_RefusesSymbolicLinks(t *testing.T) {
	var data bytes.Buffer
	packed := gzip.NewWriter(&data)
	w := tar.NewWriter(packed)
	for _, file := range [][2]string{
		{"compose.yaml", "include: [link.yaml]\nservices:\n  web:\n    extends: {file: away/base.yaml, service: base}\n"},
		{"base.yaml", "services: {base: {image: \"a:1\"}}\n"},
		{"real/base.yaml", "services: {base: {image: \"a:1\"}}\n"},
	} {
		if err := w.WriteHeader(&tar.Header{Name: file[0], Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(file[1]))}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(file[1]))
	}
	for name, target := range map[string]string{"link.yaml": "base.yaml", "away": "real"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "app.tar.gz")
	if err := errors.Join(w.Close(), packed.Close(), os.WriteFile(name, data.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	tree, err := archive.Open(name, archive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	_, err = From(t.Context(), tree, options)
	mustFault(t, err, "compose.yaml, line 1: this is a symbolic link", "compose.yaml, line 4: no such file")
}

func TestInclusion_ReadsFilesOfATarGZInOnePass(t *testing.T) {
	var includes strings.Builder
	files := []string{"noise", noiseOf(1 << 20)}
	for i := range 20 {
		fmt.Fprintf(&includes, "  - d%d/c.yaml\n", i)
		files = append(files, fmt.Sprintf("d%d/c.yaml", i), fmt.Sprintf("services: {s%d: {image: \"a:1\"}}\n", i))
	}
	made, err := From(t.Context(), tarGZTreeOf(t, append(files, "compose.yaml", "include:\n"+includes.String())...), options)
	if err != nil || len(made.Services) != 20 {
		t.Errorf("%d services, %v", len(made.Services), err)
	}
}
