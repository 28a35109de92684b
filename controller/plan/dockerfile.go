package plan

import "berth/controller/dockerfile"

// Take checks the Dockerfile of the build against the rules, and notes its content.
func (b *Build) Take(text []byte, registries []string) *Refusal {
	b.source, b.rules = string(text), dockerfile.Rules{Arguments: b.Arguments, Registries: registries}
	file, refusal := dockerfile.Read(text, b.rules)
	if refusal != nil {
		return refusal
	}
	b.Exposed, b.Bases, b.Start = file.Exposed(), file.Bases, file.Start(b.Target)
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
