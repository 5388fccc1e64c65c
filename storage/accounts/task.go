package accounts

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/internal/wake"
	"plenum/storage"
)

// TaskKind is what is to be done.
type TaskKind int

// The kinds of tasks.
const (
	ShowProfile TaskKind = 1 // in the rooms of the account
	Depart      TaskKind = 2 // from everything, after the account was closed
	Forget      TaskKind = 3 // like Depart, and what the account has stored is removed
	Redact      TaskKind = 4 // what the account has sent, before it departs
)

// Task is something to be done elsewhere because an account has changed. It
// is stored with the change and stays until it is done.
type Task struct {
	User id.UserID
	Kind TaskKind
	Pos  matrix.Position // of the newest change
}

// taskTopic is told when there is a new task.
const taskTopic = "accounts/tasks"

// TaskNews returns a subscription to new tasks. The caller closes it.
func (s *Store) TaskNews() *wake.Sub { return s.db.Bus().Subscribe(taskTopic) }

const putTask = `INSERT INTO account_task (user_id, kind, pos) VALUES ($1, $2, $3)
	ON CONFLICT (user_id, kind) DO UPDATE SET pos = excluded.pos`

// AddTask notes what is to be done because of what tx changes.
func (s *Store) AddTask(ctx context.Context, tx *storage.Tx, user id.UserID, kind TaskKind) error {
	tx.Wake(taskTopic)
	return tx.Exec(ctx, putTask, user, kind, tx.Position())
}

// Tasks returns what is to be done, the oldest first.
func (s *Store) Tasks(ctx context.Context) (all []Task, err error) {
	defer matrix.Wrap(&err, "tasks of accounts")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		all, err = storage.Select[Task](ctx, tx, `SELECT user_id, kind, pos FROM account_task ORDER BY pos`)
		return err
	})
	return all, err
}

// Finish removes a task that is done, unless there was another change
// meanwhile: then it is to be done again.
func (s *Store) Finish(ctx context.Context, tx *storage.Tx, t Task) error {
	return tx.Exec(ctx, `DELETE FROM account_task WHERE user_id = $1 AND kind = $2 AND pos = $3`, t.User, t.Kind, t.Pos)
}
