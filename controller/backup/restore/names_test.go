package restore_test

import (
	"berth/controller/docker"
	"berth/controller/volume"
)

type (
	volumeName = volume.Name
	access     = docker.Access
	session    = volume.Session
)
