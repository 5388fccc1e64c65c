package filter

import "strings"

// choice is a list of names that pass and one of names that do not. The zero
// choice lets everything pass.
type choice struct {
	only *names // nil: not given, all pass
	not  *names // nil: not given, none is kept out
}

func (c choice) has(name string) bool {
	return (c.not == nil || !c.not.has(name)) && (c.only == nil || c.only.has(name))
}

func (c choice) isOpen() bool { return c.only == nil && c.not == nil }

func (c choice) isShut() bool { return c.only != nil && c.only.isEmpty() }

// names is a set of names, some of which may be patterns.
type names struct {
	exact    map[string]struct{}
	patterns []string
}

// plain makes a set of names as they are; nil for a list that was not given.
func plain(list []string) *names {
	if list == nil {
		return nil
	}
	n := &names{exact: make(map[string]struct{}, len(list))}
	for _, name := range list {
		n.exact[name] = struct{}{}
	}
	return n
}

// wild is plain for names in which * stands for any sequence of characters.
func wild(list []string) *names {
	if list == nil {
		return nil
	}
	n := &names{exact: map[string]struct{}{}}
	for _, name := range list {
		if strings.Contains(name, "*") {
			n.patterns = append(n.patterns, name)
		} else {
			n.exact[name] = struct{}{}
		}
	}
	return n
}

func (n *names) isEmpty() bool { return len(n.exact) == 0 && len(n.patterns) == 0 }

func (n *names) has(name string) bool {
	if _, ok := n.exact[name]; ok {
		return true
	}
	for _, p := range n.patterns {
		if glob(p, name) {
			return true
		}
	}
	return false
}

// glob reports whether s is pattern with something in the place of each *.
// Finding every part as early as possible never misses a match, so that no
// pattern needs more than one pass.
func glob(pattern, s string) bool {
	head, rest, ok := strings.Cut(pattern, "*")
	if !ok {
		return s == pattern
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], after
	}
}
