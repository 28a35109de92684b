package plan

import "berth/controller/dockerfile"

// Take checks the Dockerfile of the build against the rules, and notes its content.
// It gives the build the variables and secrets of the app that the Dockerfile names.
func (b *Build) Take(text []byte, o Options) *Refusal {
	b.Arguments = b.argumentsFor(text, o.BuildVariables)
	b.source, b.rules = string(text), dockerfile.Rules{Arguments: b.Arguments, Registries: o.Registries, Secrets: o.Secrets}
	file, refusal := dockerfile.Read(text, b.rules)
	if refusal != nil {
		return refusal
	}
	b.Exposed, b.Bases, b.Secrets, b.Start = file.Exposed(), file.Bases, file.Secrets, file.Start(b.Target)
	return nil
}

// CheckBases refuses a build if one of its images would make it fetch an address, by its
// ONBUILD or its environment. The keys of the images are the names in Bases.
func (b Build) CheckBases(images map[string]dockerfile.Base) error {
	rules := b.rules
	rules.Bases = images
	if _, refusal := dockerfile.Read([]byte(b.source), rules); refusal != nil {
		refusal.File = b.Dockerfile
		return refusal
	}
	return nil
}
