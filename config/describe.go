package config

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// WriteExample writes the annotated example file: every setting with its
// documentation, commented out at its default.
func WriteExample(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, `# Settings of Plenum. Everything here may be left out: what is commented out
# shows the default, or an example where the default is to have none. Take away
# the # in front of a setting to change it. "plenum check" says what is wrong.
`)
	c := Default()
	for _, s := range sections(&c) {
		if s.Name != "" {
			fmt.Fprint(out, "\n")
			comment(out, s.Doc)
			fmt.Fprintf(out, "[%s]\n", s.Name)
		}
		for _, f := range s.Fields {
			fmt.Fprint(out, "\n")
			comment(out, f.Doc)
			fmt.Fprintf(out, "#%s = %s\n", f.Name, f.literal())
		}
	}
	return out.Flush()
}

// comment writes text as lines of a comment.
func comment(out io.Writer, text string) {
	const width = 78
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width {
			fmt.Fprintln(out, line)
			line = "#"
		}
		line += " " + word
	}
	fmt.Fprintln(out, line)
}

// literal is the value shown in the example file, as TOML.
func (f field) literal() string {
	text := f.sample()
	switch f.value.Kind() {
	case reflect.Bool:
		return text
	case reflect.Int, reflect.Int64:
		if _, err := strconv.Atoi(text); err == nil && !f.isText() {
			return text
		}
	case reflect.Slice:
		items := cutList(text)
		for i, item := range items {
			items[i] = strconv.Quote(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return strconv.Quote(text)
}

// isText reports whether f is written in quotation marks though it is a number
// in memory.
func (f field) isText() bool {
	switch f.value.Interface().(type) {
	case Size, Duration, Rate:
		return true
	}
	return false
}

// kind says in a word or two what is written after the equals sign.
func (f field) kind() string {
	switch f.value.Interface().(type) {
	case Size:
		return "size"
	case Duration:
		return "span of time"
	case Rate:
		return "rate"
	}
	switch f.value.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "whole number"
	case reflect.Slice:
		return "list of texts"
	}
	return "text"
}

// WriteReference writes the reference page.
func WriteReference(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, `# Settings

<!-- Made by "go generate ./config" from the struct Config in config/config.go. -->

Plenum runs without any settings. To change one, write it into a file
`+"`plenum.toml`"+` in the folder where you start Plenum, or name a file with
`+"`--config FILE`"+`. [plenum.example.toml](plenum.example.toml) is a file to
start from; `+"`plenum check`"+` says what is wrong with yours.

Every setting can also be given as an environment variable, which comes before
the file. Lists are separated by commas there. Sizes are written like
`+"`50 MiB`"+` or `+"`2 GB`"+`, spans of time like `+"`30 days`"+` or `+"`1 hour`"+`.
`)
	c := Default()
	for _, s := range sections(&c) {
		title := "Without a section"
		if s.Name != "" {
			title = "[" + s.Name + "]"
		}
		fmt.Fprintf(out, "\n## %s\n\n", title)
		if s.Doc != "" {
			fmt.Fprintf(out, "%s\n\n", s.Doc)
		}
		for _, f := range s.Fields {
			fmt.Fprintf(out, "### %s\n\n%s\n\n", f.Name, f.Doc)
			fmt.Fprintf(out, "- %s, default %s\n", f.kind(), f.shownDefault())
			if f.Example != "" {
				fmt.Fprintf(out, "- example: `%s = %s`\n", f.Name, f.literal())
			}
			fmt.Fprintf(out, "- variable: `%s`\n\n", f.Env())
		}
	}
	return out.Flush()
}

// shownDefault is the default as TOML, or "nothing".
func (f field) shownDefault() string {
	if f.Default == "" {
		return "nothing"
	}
	f.Example = ""
	return "`" + f.literal() + "`"
}
