package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

func wantsHelp(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0])
}

// help writes the list of commands, or the help of those that args name.
func help(c console, all []*command, args []string) int {
	topic := strings.Join(args[1:], " ")
	if topic == "" {
		fmt.Fprint(c.Out, "Plenum is a Matrix homeserver.\n\nUsage: plenum [COMMAND] [FLAGS]\n\n")
		for _, cmd := range all {
			fmt.Fprintf(c.Out, "  %-16s %s\n", cmd.name, cmd.short)
		}
		fmt.Fprint(c.Out, "\nWithout a command it is serve. \"plenum help COMMAND\" says more about one.\n")
		return exitOK
	}
	shown := false
	for _, cmd := range all {
		if cmd.name == topic || strings.HasPrefix(cmd.name, topic+" ") {
			if shown {
				fmt.Fprintln(c.Out)
			}
			cmd.help(c.Out)
			shown = true
		}
	}
	if !shown {
		fmt.Fprintf(c.Err, "plenum: there is no command %q.%s\n", topic, suggestion(all, args[1:]))
		return exitUsage
	}
	return exitOK
}

func (cmd *command) usage() string {
	return strings.TrimSpace("plenum " + cmd.name + " [FLAGS] " + cmd.args)
}

// help writes what the command does and takes.
func (cmd *command) help(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s\n\n%s.\n", cmd.usage(), cmd.short)
	if cmd.long != "" {
		fmt.Fprintf(w, "\n%s\n", cmd.long)
	}
	fmt.Fprint(w, "\n")
	cmd.flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %-28s %s\n", strings.TrimSpace("--"+f.Name+" "+value), usage)
	})
}

// suggestion names the commands that somebody may have meant.
func suggestion(all []*command, args []string) string {
	var near []string
	for _, cmd := range all {
		for _, word := range strings.Fields(cmd.name) {
			if len(args) > 0 && len(args[0]) > 1 && (strings.HasPrefix(word, args[0]) || strings.HasPrefix(args[0], word)) {
				near = append(near, "\""+cmd.name+"\"")
				break
			}
		}
	}
	if len(near) == 0 {
		return ""
	}
	return " Did you mean " + strings.Join(near, " or ") + "?"
}
