package rooms

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// DirectoryQuery asks for a page of the public directory.
//
// Spec: client-server-api#post_matrixclientv3publicrooms
type DirectoryQuery struct {
	Limit  int    // 0: all
	Since  string // next_batch or prev_batch of an earlier page
	Search string // in names, topics and aliases; "": everything
	// Types are the room types wanted, "" for rooms without one; nil: any.
	Types []string
	// Only are the rooms to choose from; nil: those that are listed here. Also
	// are further ones.
	Only, Also []id.RoomID
}

// DirectoryPage is a page of the public directory, the largest rooms first.
type DirectoryPage struct {
	Rooms      []Summary
	Next, Prev string
	Total      int // rooms on all pages
}

// SetPublic lists a room in the public directory, or takes it out. Who may set
// the room's canonical alias may, and administrators of the server.
//
// Spec: client-server-api#put_matrixclientv3directorylistroomroomid
func (r *Rooms) SetPublic(ctx context.Context, p matrix.Principal, room id.RoomID, public bool) error {
	rm, err := r.Room(ctx, room)
	if err != nil {
		return err
	}
	may, err := rm.May(ctx, p.User, "m.room.canonical_alias", true)
	if err != nil {
		return err
	}
	if !may && !p.Admin {
		return matrix.Errorf(matrix.Forbidden, "You may not change how this room is listed.")
	}
	return r.db.Write(ctx, func(tx *storage.Tx) error {
		tx.OnCommit(func() { rm.setPublic(public) })
		return r.log.SetPublic(ctx, tx, rm.nid, public)
	})
}

func (rm *Room) setPublic(public bool) {
	rm.mu.Lock()
	defer rm.mu.Unlock()
	rm.public = public
}

// Directory returns a page of the public directory.
func (r *Rooms) Directory(ctx context.Context, q DirectoryQuery) (DirectoryPage, error) {
	skip, err := parseSince(q.Since)
	if err != nil {
		return DirectoryPage{}, err
	}
	all, err := r.listed(ctx, q)
	if err != nil {
		return DirectoryPage{}, err
	}
	page := DirectoryPage{Total: len(all)}
	skip = min(skip, len(all))
	end := len(all)
	if q.Limit > 0 {
		end = min(end, skip+q.Limit)
	}
	page.Rooms = all[skip:end]
	if end < len(all) {
		page.Next = strconv.Itoa(end)
	}
	if skip > 0 {
		page.Prev = strconv.Itoa(max(0, skip-max(q.Limit, 1)))
	}
	return page, nil
}

func parseSince(since string) (int, error) {
	if since == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(since)
	if err != nil || n < 0 {
		return 0, matrix.Errorf(matrix.InvalidParam, "The since token is not one of this server's.")
	}
	return n, nil
}

// listed returns the rooms of the directory that q is looking for.
func (r *Rooms) listed(ctx context.Context, q DirectoryQuery) ([]Summary, error) {
	from := q.Only
	if from == nil {
		var err error
		if from, err = r.publicRooms(ctx); err != nil {
			return nil, err
		}
	}
	for _, room := range q.Also {
		if !slices.Contains(from, room) {
			from = append(slices.Clip(from), room)
		}
	}
	var out []Summary
	for _, room := range from {
		rm, err := r.Room(ctx, room)
		if err != nil {
			return nil, err
		}
		s, err := rm.Summary(ctx)
		if err != nil {
			return nil, err
		}
		if q.wants(s) {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Summary) int { return b.Joined - a.Joined })
	return out, nil
}

func (r *Rooms) publicRooms(ctx context.Context) ([]id.RoomID, error) {
	var rows []eventlog.RoomRow
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = r.log.PublicRooms(ctx, tx)
		return err
	})
	ids := make([]id.RoomID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids, err
}

func (q DirectoryQuery) wants(s Summary) bool {
	if q.Types != nil && !slices.Contains(q.Types, s.Type) {
		return false
	}
	if q.Search == "" {
		return true
	}
	term := strings.ToLower(q.Search)
	for _, text := range []string{s.Name, s.Topic, string(s.Alias)} {
		if strings.Contains(strings.ToLower(text), term) {
			return true
		}
	}
	return false
}
