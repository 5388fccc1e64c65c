package account

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
)

const (
	tasksAtOnce = 4
	retryFirst  = time.Second
	retryMost   = 10 * time.Minute
	tidyEvery   = time.Hour
)

// Run does what changes of accounts cause elsewhere, and what an earlier
// process has left of it, until ctx ends.
func (a *Accounts) Run(ctx context.Context) error {
	news := a.store.TaskNews()
	defer news.Close()
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	retry := time.NewTimer(0)
	defer retry.Stop()
	wait := retryFirst
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tidy.C:
			a.tidy(ctx)
			continue
		case <-news.C():
		case <-retry.C:
		}
		if err := a.work(ctx); err == nil {
			wait = retryFirst
			continue
		}
		retry.Reset(wait)
		wait = min(2*wait, retryMost)
	}
}

// work does all tasks that there are, those of an account one after the other,
// and returns the first failure. It is logged; the task stays.
func (a *Accounts) work(ctx context.Context) error {
	tasks, err := a.store.Tasks(ctx)
	if err != nil {
		a.failed(ctx, 0, err)
		return err
	}
	var group errgroup.Group
	group.SetLimit(tasksAtOnce)
	for _, theirs := range byAccount(tasks) {
		group.Go(func() error {
			for _, t := range theirs {
				if err := a.do(ctx, t); err != nil {
					a.failed(ctx, t.Kind, err)
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// byAccount sorts tasks by account. Whoever takes back what they sent has to be
// in their rooms still, so that this comes first.
func byAccount(tasks []accounts.Task) [][]accounts.Task {
	var all [][]accounts.Task
	at := map[id.UserID]int{}
	for _, t := range tasks {
		i, known := at[t.User]
		if !known {
			i = len(all)
			at[t.User] = i
			all = append(all, nil)
		}
		if t.Kind == accounts.Redact {
			all[i] = slices.Insert(all[i], 0, t)
		} else {
			all[i] = append(all[i], t)
		}
	}
	return all
}

func (a *Accounts) failed(ctx context.Context, kind accounts.TaskKind, err error) {
	if ctx.Err() == nil {
		a.log.LogAttrs(ctx, slog.LevelError, "task of an account failed and is tried again", slog.Int("kind", int(kind)), slog.Any("err", err))
	}
}

// do does one task and notes that it is done.
func (a *Accounts) do(ctx context.Context, t accounts.Task) (err error) {
	switch t.Kind {
	case accounts.ShowProfile:
		err = a.rooms.SetProfile(ctx, t.User)
	case accounts.Redact:
		err = a.redactAll(ctx, t.User)
	case accounts.Depart:
		err = a.depart(ctx, t, false)
	case accounts.Forget:
		err = a.depart(ctx, t, true)
	}
	if err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		if t.Kind == accounts.Forget {
			if err := a.store.Erase(ctx, tx, t.User); err != nil {
				return err
			}
		}
		return a.store.Finish(ctx, tx, t)
	})
}

// depart takes a closed account out of its rooms and has others remove what
// they keep of it.
func (a *Accounts) depart(ctx context.Context, t accounts.Task, erase bool) error {
	all, err := a.rooms.MembershipsOf(ctx, t.User)
	if err != nil {
		return err
	}
	p := matrix.Principal{User: t.User}
	for _, m := range all {
		switch m.Membership {
		case "join", "invite", "knock":
			if err := a.rooms.Leave(ctx, p, rooms.MemberChange{Room: m.Room, Closing: true}); err != nil && !isRefusal(err) {
				return err
			}
		}
	}
	for _, gone := range a.hooks.Gone {
		if err := gone(ctx, t.User, erase); err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) tidy(ctx context.Context) {
	if err := a.store.Tidy(ctx); err != nil && ctx.Err() == nil {
		a.log.LogAttrs(ctx, slog.LevelError, "expired tokens not removed", slog.Any("err", err))
	}
}
