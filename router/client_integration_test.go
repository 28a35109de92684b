//go:build integration

package router

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// typescript has the programs of npm that scripts/tools installs.
const typescript = "../.cache/typescript/node_modules"

// npmProgram runs one of them and returns what it printed.
func npmProgram(t *testing.T, folder, name string, arguments ...string) (string, error) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(typescript, ".bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: scripts/tools installs it", err)
	}
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Dir = folder
	out, err := command.CombinedOutput()
	return string(out), err
}

// parametersOf are those of an operation, as a client in TypeScript writes them.
func parametersOf(operation *openapi3.Operation, of *openapi3.PathItem) string {
	var named []string
	for _, parameter := range slices.Concat(of.Parameters, operation.Parameters) {
		if parameter.Value.In != openapi3.ParameterInPath {
			continue
		}
		value := `"x"`
		if parameter.Value.Schema.Value.Type.Is(openapi3.TypeInteger) {
			value = "1"
		}
		named = append(named, fmt.Sprintf("%q: %s", parameter.Value.Name, value))
	}
	if len(named) == 0 {
		return "{}"
	}
	return "{ params: { path: { " + strings.Join(named, ", ") + " } } }"
}

// callsOf is a program that reads everything that the API lets read, and changes an app.
func callsOf(t *testing.T) string {
	t.Helper()
	var program strings.Builder
	program.WriteString(`import createClient from "openapi-fetch";
import type { paths } from "./client";

const berth = createClient<paths>({ baseUrl: "https://berth.localhost", headers: { Authorization: "Bearer " + "TOKEN" } });

export async function names(): Promise<string[]> {
  const { data, error } = await berth.GET("/api/v1/apps");
  if (error) throw new Error(error.title);
  return data.apps.map((app) => app.name);
}

export async function stop(name: string) {
  return berth.POST("/api/v1/apps/{name}/stop", { params: { path: { name } } });
}

export async function all() {
`)
	document := loadDocument(t, encodedDocument(t))
	for _, path := range document.Paths.InMatchingOrder() {
		item := document.Paths.Value(path)
		if item.Get != nil {
			fmt.Fprintf(&program, "  await berth.GET(%q, %s);\n", path, parametersOf(item.Get, item))
		}
	}
	program.WriteString("}\n")
	return program.String()
}

// TestDocument_AClientInTypeScriptCompiles makes a client of the API's document, and a
// program that uses it. A program that asks for what there is not does not compile.
func TestDocument_AClientInTypeScriptCompiles(t *testing.T) {
	folder := t.TempDir()
	modules, err := filepath.Abs(typescript)
	if err != nil {
		t.Fatal(err)
	}
	good, program := callsOf(t), filepath.Join(folder, "program.ts")
	settings := `{"compilerOptions": {"strict": true, "noEmit": true, "module": "esnext", "moduleResolution": "bundler", "target": "es2022", "lib": ["es2022", "dom"], "types": []}, "files": ["program.ts"]}`
	for name, text := range map[string]string{"openapi.json": string(encodedDocument(t)), "tsconfig.json": settings, "program.ts": good} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if out, err := npmProgram(t, folder, "openapi-typescript", "openapi.json", "--output", "client.ts"); err != nil {
		t.Fatalf("make a client: %v\n%s", err, out)
	}
	if out, err := npmProgram(t, folder, "tsc", "--project", "."); err != nil {
		t.Fatalf("compile: %v\n%.3000s", err, out)
	}
	for what, change := range map[string][2]string{
		"another path":   {`berth.GET("/api/v1/apps")`, `berth.GET("/api/v1/applications")`},
		"another field":  {"app.name", "app.title"},
		"another method": {`berth.POST("/api/v1/apps/{name}/stop"`, `berth.PUT("/api/v1/apps/{name}/stop"`},
	} {
		if err := os.WriteFile(program, []byte(strings.Replace(good, change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := npmProgram(t, folder, "tsc", "--project", "."); err == nil || !strings.Contains(out, "program.ts") {
			t.Errorf("%s compiles: %v\n%.1000s", what, err, out)
		}
	}
	if n := strings.Count(good, "berth."+http.MethodGet); n < 30 {
		t.Errorf("the program reads %d things", n)
	}
}
