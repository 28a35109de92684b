package dockerfile_test

import (
	"reflect"
	"testing"

	"berth/controller/dockerfile"
)

func TestStart_FollowsTheStagesThatTheLastOneIsBuiltOn(t *testing.T) {
	for _, one := range []struct {
		name, text, target string
		want               dockerfile.Start
	}{
		{"official base", "FROM nginx:1.27\nCOPY . /usr/share/nginx/html", "", dockerfile.Start{From: "nginx:1.27"}},
		{
			"user and volume", "FROM python:3\nUSER root\nRUN x\nVOLUME /data /cache\nUSER web\nCMD [\"python\",\"a.py\"]", "",
			dockerfile.Start{From: "python:3", User: "web", Command: []string{"python", "a.py"}, Volumes: []string{"/cache", "/data"}},
		},
		{
			"stages", "FROM alpine AS base\nRUN apk add su-exec\nVOLUME /a\nENTRYPOINT [\"/entry\"]\nFROM golang AS build\nFROM base\nVOLUME /b\nCMD serve now", "",
			dockerfile.Start{From: "alpine", Entrypoint: []string{"/entry"}, Command: []string{"serve", "now"}, Volumes: []string{"/a", "/b"}, StepDown: "su-exec"},
		},
		{"target", "FROM nginx AS web\nFROM scratch AS tool\nUSER 5\nFROM alpine", "tool", dockerfile.Start{User: "5"}},
		{"argument", "ARG BASE=nginx:1\nFROM ${BASE}", "", dockerfile.Start{From: "docker.io/library/nginx:1"}},
		{"an entry point drops the command of before", "FROM alpine AS a\nCMD one\nFROM a\nENTRYPOINT two", "", dockerfile.Start{From: "alpine", Entrypoint: []string{"two"}}},
	} {
		t.Run(one.name, func(t *testing.T) {
			file, refusal := dockerfile.Read([]byte(one.text), dockerfile.Rules{})
			if refusal != nil {
				t.Fatal(refusal)
			}
			if got := file.Start(one.target); !reflect.DeepEqual(got, one.want) {
				t.Errorf("got %+v, want %+v", got, one.want)
			}
		})
	}
}
