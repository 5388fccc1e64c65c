package config

import (
	"fmt"
	"strings"
)

// Problem is something in the settings that has to be corrected.
type Problem struct {
	Key  string // the setting, the variable, or the line
	Text string // what is wrong with it; continues the sentence that Key begins
}

// String is the sentence.
func (p Problem) String() string { return p.Key + " " + p.Text }

// Problems are all that were found. They are an error if there is one.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err keeps a nil list from becoming an error that is not nil.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// unknown says that there is no such name, and which is meant if one is near.
func unknown(name string, known []string, kind string) string {
	best := nearest(name, known)
	if best == "" {
		return fmt.Sprintf("is no %s that Plenum knows. They are all in docs/config.md.", kind)
	}
	return fmt.Sprintf("is no %s that Plenum knows. Did you mean %s?", kind, best)
}

// nearest returns which of known somebody meant who wrote name: one of the
// same name in another section, or else one that differs in few letters.
func nearest(name string, known []string) string {
	for _, k := range known {
		if lastPart(k) == lastPart(name) {
			return k
		}
	}
	best, least := "", len(name)/2
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

func lastPart(key string) string {
	return key[strings.LastIndexByte(key, '.')+1:]
}

// distance is how many letters must be added, taken away or changed to make b
// of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
