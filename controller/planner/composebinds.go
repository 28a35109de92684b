package planner

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/archive"
	"berth/controller/hostpath"
	"berth/controller/plan"
	"berth/controller/problem"
)

// mostBindFiles bounds the files of folders that become part of one service's image.
const mostBindFiles = 2000

// binds finds the safe form of each path that a service mounts: files of the archive
// become part of the image, and data folders become volumes of the app. Nothing of the
// host is mounted.
func (c *composer) binds(to *plan.Service, from types.ServiceConfig) error {
	for i, volume := range from.Volumes {
		if volume.Type != types.VolumeTypeBind {
			continue
		}
		b := bind{ServiceVolumeConfig: volume, to: to, place: []string{"services", from.Name, "volumes", strconv.Itoa(i)}, build: from.Build}
		if err := c.record(c.bind(b)); err != nil {
			return err
		}
	}
	return nil
}

// bind is one path that a service mounts.
type bind struct {
	types.ServiceVolumeConfig
	to    *plan.Service
	place []string
	build *types.BuildConfig
}

func (c *composer) bind(b bind) error {
	if hostpath.Is(b.Source) {
		return c.hostBind(b)
	}
	inArchive, err := c.archivePath(b.Source, "The mounted path", b.place...)
	if err != nil {
		return err
	}
	entry, found := c.tree.Entry(inArchive)
	switch {
	case found && entry.Kind == archive.Symlink:
		return c.refuse(fmt.Sprintf("The mounted path %.200s is a symbolic link.", inArchive), "Mount the file or folder itself.", b.place...)
	case found && entry.Kind == archive.File:
		return c.bindFile(b, entry)
	case found || inArchive == "":
		return c.bindFolder(b, inArchive)
	case hostpath.IsFile(b.Source, b.Target) && (c.isBuiltFrom(b, inArchive) || path.Ext(b.Target) == ".log"):
		c.note("%s is not mounted into %s: the archive has no such file.", inArchive, b.to.Name)
		return nil
	case hostpath.IsFile(b.Source, b.Target):
		return c.refuse(fmt.Sprintf("The archive has no file %.200s, which %s mounts.", inArchive, b.to.Name), "Add it to the archive, or correct the path; it starts where the compose file lies.", b.place...)
	default:
		c.note("%s of %s is a volume of the app: the archive holds no folder %.200s.", b.Target, b.to.Name, inArchive)
		return c.bindVolume(b)
	}
}

// hostBind refuses a path of the host, or makes a volume in place of a data folder if a
// person agreed to it.
func (c *composer) hostBind(b bind) error {
	switch kind := hostpath.KindOf(b.Source); {
	case kind == hostpath.Clock && plan.IsBelow(path.Clean(b.Target), path.Clean(b.Source)):
		c.note("%s of the host is not mounted into %s: set the variable TZ, such as TZ=Europe/Berlin.", b.Source, b.to.Name)
		return nil
	case kind == hostpath.Random && (b.Target == "/dev/urandom" || b.Target == "/dev/random"):
		c.note("%s of the host is not mounted into %s: each container has %s of its own.", b.Source, b.to.Name, b.Target)
		return nil
	case kind == hostpath.Socket:
		return c.refuse(fmt.Sprintf("The service %s mounts the socket %.200q. It would give the app the engine, and with it the whole machine.", b.to.Name, b.Source),
			"Remove the mount. A service that manages containers cannot run as an app.", b.place...)
	case kind != hostpath.Data:
		return c.refuse(fmt.Sprintf("The service %s mounts %.200q, a path of the host. An app sees nothing of the host's system.", b.to.Name, b.Source),
			"Remove the mount, or use a named volume. Put files that the service needs into the archive.", b.place...)
	case hostpath.IsFile(b.Source, b.Target):
		return c.refuse(fmt.Sprintf("The service %s mounts %.200q, a file of the host.", b.to.Name, b.Source), "Put the file into the archive, and mount it from there, such as ./app.conf:/etc/app.conf.", b.place...)
	case !c.options.Volumes:
		refusal := c.refuse(fmt.Sprintf("The service %s mounts %.200q, a data folder of the host.", b.to.Name, b.Source),
			"Use a volume of the app in its place. Nothing of the host is taken over; files are uploaded on the volume's page.", b.place...)
		refusal.Offer = problem.OfferBinds
		return refusal
	default:
		c.note("%s of %s is a volume of the app in place of %.200s. Nothing of the host is taken over: upload on the volume's page what it should hold.", b.Target, b.to.Name, b.Source)
		return c.bindVolume(b)
	}
}

func (c *composer) bindVolume(b bind) error {
	volume := types.ServiceVolumeConfig{Source: c.volumeFor(b.Source), Target: b.Target, ReadOnly: b.ReadOnly}
	return c.addMount(b.to, volume, b.place...)
}

// volumeFor returns the name of the volume in place of a path, the same for the same path.
func (c *composer) volumeFor(source string) string {
	clean := path.Clean(source)
	if name, found := c.volumes[clean]; found {
		return name
	}
	base := hostpath.VolumeName(source)
	name := base
	for i := 2; c.takenVolume(name); i++ {
		name = base + "-" + strconv.Itoa(i)
	}
	if c.volumes == nil {
		c.volumes = map[string]string{}
	}
	c.volumes[clean] = name
	return name
}

func (c *composer) takenVolume(name string) bool {
	if _, declared := c.file.Project.Volumes[name]; declared {
		return true
	}
	for _, other := range c.volumes {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// bindFile puts a file of the archive into the image.
func (c *composer) bindFile(b bind, entry archive.Entry) error {
	content, err := c.tree.ReadFile(c.ctx, entry.Path, fileBytes)
	if err != nil {
		return err
	}
	secret := c.tree.holdsSecret(entry.Path)
	if !secret && c.boundAs(b, entry.Path, false, plan.BoundImage) == plan.BoundVolume {
		return c.bindFileVolume(b, entry, content)
	}
	if err := c.addBound(b, b.Target, entry, content); err != nil {
		return err
	}
	if secret {
		c.note("%s holds secrets of the app, so %s gets it in memory: %s is a link to it.", entry.Path, b.to.Name, b.Target)
		return nil
	}
	c.note("%s becomes part of the image of %s at %s.%s", entry.Path, b.to.Name, b.Target, unkept(b.ReadOnly))
	if plan.IsBelow(path.Clean(b.Target), "/tmp") {
		c.note("%s has no /tmp in memory, which would hide that file. If it writes there, it needs the security exception \"writable root\".", b.to.Name)
	}
	return nil
}

func unkept(readOnly bool) string {
	if readOnly {
		return ""
	}
	return " What the service changes there is not kept."
}

// addBound adds a file of the archive at a target.
func (c *composer) addBound(b bind, target string, entry archive.Entry, content []byte) error {
	file := plan.File{Path: target, Content: content}
	if refusal := c.fileTarget(b.to, &file, false, b.place...); refusal != nil {
		return refusal
	}
	mode := types.FileMode(0o444)
	if entry.Mode&0o111 != 0 {
		mode = 0o555
	}
	if c.tree.holdsSecret(entry.Path) {
		return c.addLinked(b.to, file, entry.Path, types.FileReferenceConfig{}, b.place...)
	}
	return c.addFile(b.to, file, types.FileReferenceConfig{Mode: &mode}, b.place...)
}

// bindFolder puts a folder of the archive into the image. If the service writes there, or a
// person chose so, it gets a volume, which is filled from the folder at the first release.
func (c *composer) bindFolder(b bind, folder string) error {
	entries, fits := c.filesBelow(folder)
	if !fits || len(c.placed)+len(entries) > mostBindFiles {
		return c.largeFolder(b, folder)
	}
	isVolume := !b.ReadOnly
	if len(entries) > 0 {
		likely := plan.BoundImage
		if isVolume && hostpath.IsData(b.Target) {
			likely = plan.BoundVolume
		}
		isVolume = c.boundAs(b, folder, true, likely) == plan.BoundVolume
	}
	paths := make([]string, 0, len(entries))
	for _, entry := range entries {
		paths = append(paths, entry.Path)
	}
	contents, err := c.tree.ReadFiles(c.ctx, paths, fileBytes)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		below := strings.TrimPrefix(strings.TrimPrefix(entry.Path, folder), "/")
		if err := c.addBound(b, path.Join(b.Target, below), entry, contents[entry.Path]); err != nil {
			return err
		}
	}
	switch {
	case isVolume && len(entries) == 0:
		c.note("%s of %s is a volume of the app.", b.Target, b.to.Name)
		return c.bindVolume(b)
	case isVolume:
		c.note("%s of %s is a volume of the app, filled from the folder %s at the first release. Later changes of that folder do not reach it.", b.Target, b.to.Name, c.orTop(folder))
		return c.bindVolume(b)
	default:
		c.note("The folder %s becomes part of the image of %s at %s.%s", c.orTop(folder), b.to.Name, b.Target, unkept(b.ReadOnly))
		return nil
	}
}

// isBuiltFrom reports whether the service's image is built from a folder that has the path.
func (c *composer) isBuiltFrom(b bind, inArchive string) bool {
	if b.build == nil {
		return false
	}
	context, err := c.archivePath(b.build.Context, "The build context", b.place...)
	return err == nil && plan.IsBelow("/"+inArchive, "/"+context)
}

func (c *composer) orTop(folder string) string {
	switch {
	case folder != "":
		return folder
	case c.folder() == "":
		return "of the compose file"
	default:
		return "at the archive's top"
	}
}

// filesBelow returns the files of a folder of the archive but for those of the deployment
// itself. It stops, and fits is false, where they are more than a service may have: a
// large archive is not walked for each bind of a compose file.
func (c *composer) filesBelow(folder string) (files []archive.Entry, fits bool) {
	if c.entries == nil {
		c.entries = c.tree.Entries()
	}
	prefix, bytes := "", int64(0)
	if folder != "" {
		prefix = folder + "/"
	}
	from, _ := slices.BinarySearchFunc(c.entries, prefix, func(e archive.Entry, prefix string) int { return strings.Compare(e.Path, prefix) })
	for _, entry := range c.entries[from:] {
		if !strings.HasPrefix(entry.Path, prefix) {
			break
		}
		if entry.Kind != archive.File || slices.Contains(ofDeployment, path.Base(entry.Path)) || slices.Contains(c.file.Paths, entry.Path) {
			continue
		}
		files, bytes = append(files, entry), bytes+entry.Size
		if len(files) > mostBindFiles || bytes > allFilesBytes {
			return nil, false
		}
	}
	return files, true
}

// ofDeployment are names of files that keep a folder in a repository, or tell Berth something.
var ofDeployment = []string{".gitkeep", ".gitignore", ".keep", dotenvFile}

// boundFiles returns the files that binds read, for the archive to prepare.
func (c *composer) boundFiles(service types.ServiceConfig) []string {
	var names []string
	for _, volume := range service.Volumes {
		if volume.Type != types.VolumeTypeBind || hostpath.Is(volume.Source) {
			continue
		}
		inArchive, err := c.archivePath(volume.Source, "The mounted path")
		if err != nil {
			continue
		}
		if entry, found := c.tree.Entry(inArchive); found && entry.Kind == archive.File {
			names = append(names, inArchive)
			continue
		}
		if entries, fits := c.filesBelow(inArchive); fits {
			for _, entry := range entries {
				names = append(names, entry.Path)
			}
		}
	}
	return names
}

// The users and the programs of an image, which no file of the archive replaces.
var identityFiles = []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ld.so.preload", "/etc/mtab"}

func replacesIdentity(clean string) bool {
	return slices.Contains(identityFiles, clean) || plan.IsBelow(clean, "/etc/sudoers.d")
}
