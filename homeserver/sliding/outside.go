package sliding

// outside writes about a room that the user is invited to or asked to join:
// what it shows of itself to those outside.
//
// Spec: client-server-api#stripped-state
func (t *turn) outside(x *match) {
	w, m, was := &t.out, x.m, x.was
	isDM := t.chats.has(m.Room)
	if was == nil || was.membership != m.Membership {
		w.Name("initial")
		w.Bool(true)
	}
	// Without it, clients take the user for a member.
	w.Name(t.question.form.stripped())
	if len(m.Stripped) == 0 {
		w.Raw([]byte("[]"))
	} else {
		w.Raw(m.Stripped)
	}
	if isDM || was != nil && was.isDM {
		w.Name("is_dm")
		w.Bool(isDM)
	}
	w.Name("bump_stamp")
	w.Int(int64(m.Pos))
	t.writeStanding(x)
	is := known{membership: m.Membership, upto: t.since, isDM: isDM}
	if was != nil {
		is.hasData = was.hasData
	}
	t.learn(x, is)
}
