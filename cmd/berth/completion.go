package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// completionScripts ask this program for the words that may come next.
var completionScripts = map[string]string{
	"bash": `_berth() {
	mapfile -t COMPREPLY < <(berth completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _berth berth
`,
	"zsh": `#compdef berth
_berth() {
	local -a found
	found=("${(@f)$(berth completion words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	[[ -n ${found[1]} ]] && compadd -a found || _files
}
compdef _berth berth
`,
	"fish": `complete -c berth -a '(berth completion words (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

// runCompletion prints the script of a shell, or for such a script the words that may come
// next: those after completion words are what stands on the command line, the last one
// half typed.
func runCompletion(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 && args[0] == "words" {
		for _, word := range completed(ctx, p, args[1:]) {
			_, _ = fmt.Fprintln(p.stdout, word)
		}
		return nil
	}
	words, err := p.parseFlags(newFlags("completion"), args)
	if err != nil {
		return err
	}
	if len(words) != 1 || completionScripts[words[0]] == "" {
		return &usageError{errors.New("berth completion takes one of bash, zsh and fish")}
	}
	_, err = fmt.Fprint(p.stdout, completionScripts[words[0]])
	return err
}

// completed are the words that may stand in place of the last one.
func completed(ctx context.Context, p *program, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	typed, last := words[:len(words)-1], words[len(words)-1]
	var found []string
	if strings.HasPrefix(last, "-") {
		found = flagsOf(ctx, p, typed)
	} else {
		found = nextWords(typed)
	}
	return slices.DeleteFunc(found, func(word string) bool { return !strings.HasPrefix(word, last) })
}

// nextWords are those that make a longer name of a command.
func nextWords(typed []string) []string {
	before := strings.Join(append(slices.Clone(typed), ""), " ")
	var found []string
	for _, c := range commands() {
		if rest, ok := strings.CutPrefix(c.name, before); ok && !c.earlier {
			word, _, _ := strings.Cut(rest, " ")
			found = append(found, word)
		}
	}
	return slices.Compact(found)
}

// flagsOf asks the command for its flags, which it parses before it does anything.
func flagsOf(ctx context.Context, p *program, typed []string) []string {
	command, _ := findCommand(typed)
	if command == nil {
		return nil
	}
	var out strings.Builder
	asked := &program{environment: p.environment, stdout: &out, stderr: &out, command: command, asking: true}
	if err := command.run(ctx, asked, nil); !errors.Is(err, flag.ErrHelp) {
		return nil // one without flags
	}
	return strings.Fields(out.String())
}
