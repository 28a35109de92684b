package dialect

// Text is a value of a template: literal text and values that are still open, in order.
type Text []Part

// Part is a literal, or stands for a Blank. A literal is data: a ${ in it means nothing.
type Part struct {
	Literal string
	Blank   string // the name of a Blank; empty for a literal
}

// Blank is a value that the template leaves open: a person answers it, or Berth generates
// it. Several variables and files can hold the same one.
type Blank struct {
	Name      string // no two Blanks have one name
	Generator Generator
	Secret    bool
	// Key and Payload are of KindToken: what signs the token, and the JSON object that it
	// holds. An empty Key is a random one.
	Key, Payload Text
}

func literal(text string) Text {
	if text == "" {
		return nil
	}
	return Text{{Literal: text}}
}

// Literal returns the text if nothing in it is open.
func (t Text) Literal() (string, bool) {
	whole := ""
	for _, part := range t {
		if part.Blank != "" {
			return "", false
		}
		whole += part.Literal
	}
	return whole, true
}

// size is how many bytes the text has at most; a blank counts as a long answer.
func (t Text) size() int {
	size := 0
	for _, part := range t {
		size += len(part.Literal)
		if part.Blank != "" {
			size += blankSize
		}
	}
	return size
}

// blankSize is what a blank counts for in the bounds of texts.
const blankSize = 256

// Blank returns the blank of that name.
func (f *Form) Blank(name string) (Blank, bool) {
	if name == "" {
		return Blank{}, false
	}
	for _, blank := range f.Blanks {
		if blank.Name == name {
			return blank, true
		}
	}
	return Blank{}, false
}
