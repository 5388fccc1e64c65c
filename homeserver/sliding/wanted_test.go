package sliding

import "testing"

func TestWishesThatDifferHaveTextsThatDiffer(t *testing.T) {
	t.Parallel()
	name := func(s string) *string { return &s }
	seen := map[string]int{}
	for i, s := range []State{
		{}, {LazyMembers: true}, {Include: []Entry{{}}}, {Exclude: []Entry{{}}},
		{Include: []Entry{{Type: name("*")}}}, {Include: []Entry{{Key: name("*")}}}, {Include: []Entry{{Type: name("a"), Key: name("b")}}},
		{Include: []Entry{{Type: name("a")}, {Key: name("b")}}}, {Include: []Entry{{Type: name(`a","b`)}}}, {Include: []Entry{{Type: name("")}}},
		{Include: []Entry{{Type: name("a")}}, Exclude: []Entry{{Key: name("b")}}}, {Include: []Entry{{Type: name("a")}, {Type: name("b")}}},
	} {
		text := textOf(s)
		if k, ok := seen[text]; ok {
			t.Errorf("wishes %d and %d are both %s", k, i, text)
		}
		seen[text] = i
	}
	a, b := Entry{Type: name("a")}, Entry{Key: name("b")}
	if one, two := textOf(State{Include: []Entry{a, b}}), textOf(State{Include: []Entry{b, a, b}}); one != two {
		t.Errorf("the same wish is %s and %s", one, two)
	}
}

func TestWishesTogether(t *testing.T) {
	t.Parallel()
	name := func(s string) *string { return &s }
	lazy := newPart(State{LazyMembers: true, Include: []Entry{{}}})
	all := newPart(State{Include: []Entry{{Type: name(memberType)}}})
	few := newPart(State{Include: []Entry{{Type: name("m.room.name"), Key: name("")}}})
	for _, c := range []struct {
		parts []*part
		lazy  bool
	}{
		{[]*part{few}, false}, {[]*part{lazy}, true}, {[]*part{lazy, few}, true}, {[]*part{all}, false}, {[]*part{few, all, lazy}, false},
	} {
		w := newWanted(c.parts)
		if w.lazy != c.lazy {
			t.Errorf("%s: members as they are needed: %v", w.text, w.lazy)
		}
		if !w.includes(newWanted(c.parts[:1])) || w.includes(newWanted([]*part{newPart(State{Exclude: []Entry{{}}})})) {
			t.Errorf("%s does not know what it is made of", w.text)
		}
	}
}
