package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"os"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/homeserver/archive"
	"plenum/homeserver/export"
	"plenum/homeserver/notice"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// maxUsers is how many accounts one answer lists.
const maxUsers = 1000

// API serves the command line.
type API struct {
	accounts *account.Accounts
	backups  *archive.Maker
	notices  *notice.Notices
	exporter *export.Exporter
	version  string
}

// New returns the API of a server of that version.
func New(accounts *account.Accounts, backups *archive.Maker, notices *notice.Notices, exporter *export.Exporter, version string) *API {
	return &API{accounts: accounts, backups: backups, notices: notices, exporter: exporter, version: version}
}

// Routes lists the endpoints. They ask nobody who they are: whoever can open
// the socket may do all of this.
func (a *API) Routes() []httpx.Route {
	const spec = "" // they are ours
	return []httpx.Route{
		httpx.Get(statusPath, httpx.Anyone, spec, httpx.NoLimit, a.status),
		httpx.Get(usersPath, httpx.Anyone, spec, httpx.NoLimit, a.users),
		httpx.Post(usersPath, httpx.Anyone, spec, httpx.NoLimit, a.createUser),
		httpx.Put(usersPath+"/{user}/password", httpx.Anyone, spec, httpx.NoLimit, a.setPassword),
		httpx.Post(usersPath+"/{user}/deactivate", httpx.Anyone, spec, httpx.NoLimit, a.deactivate),
		httpx.Raw(http.MethodGet, usersPath+"/{user}/export", httpx.Anyone, spec, httpx.NoLimit, a.export),
		httpx.Post(noticePath, httpx.Anyone, spec, httpx.NoLimit, a.notify),
		httpx.Get(tokensPath, httpx.Anyone, spec, httpx.NoLimit, a.tokens),
		httpx.Post(tokensPath, httpx.Anyone, spec, httpx.NoLimit, a.createToken),
		httpx.Delete(tokensPath+"/{token}", httpx.Anyone, spec, httpx.NoLimit, a.revokeToken),
		httpx.Raw(http.MethodPost, backupPath, httpx.Anyone, spec, httpx.NoLimit, a.backup).Limit(httpx.DefaultBodyLimit),
	}
}

// status is GET of the server's name and version.
func (a *API) status(context.Context, *httpx.Request[httpx.None]) (Status, error) {
	return Status{ServerName: a.accounts.ServerName(), Version: a.version, PID: os.Getpid()}, nil
}

// users is GET of a page of accounts.
func (a *API) users(ctx context.Context, r *httpx.Request[httpx.None]) (list userList, err error) {
	limit, err := r.QueryInt("limit", maxUsers)
	if err != nil {
		return list, err
	}
	all, err := a.accounts.List(ctx, id.UserID(r.Query("after")), min(max(limit, 1), maxUsers))
	for _, acc := range all {
		list.Users = append(list.Users, User{
			ID: acc.User, Admin: acc.Admin, Locked: acc.Locked, Suspended: acc.Suspended,
			Deactivated: acc.Deactivated, CreatedMS: acc.CreatedMS, Program: !a.accounts.IsPerson(acc.User),
		})
	}
	return list, err
}

// createUser is POST of an account.
func (a *API) createUser(ctx context.Context, r *httpx.Request[NewUser]) (User, error) {
	user, err := a.accounts.Create(ctx, account.NewAccount{Name: r.Body.Name, Password: r.Body.Password, Admin: r.Body.Admin})
	return User{ID: user, Admin: r.Body.Admin}, err
}

// setPassword is PUT of the password of an account.
func (a *API) setPassword(ctx context.Context, r *httpx.Request[NewPassword]) (httpx.None, error) {
	return httpx.None{}, a.accounts.ResetPassword(ctx, id.UserID(r.Path("user")), account.PasswordChange{New: r.Body.Password})
}

// deactivate is POST of the end of an account.
func (a *API) deactivate(ctx context.Context, r *httpx.Request[Deactivation]) (httpx.None, error) {
	return httpx.None{}, a.accounts.Close(ctx, id.UserID(r.Path("user")), account.Closing{Erase: r.Body.Erase, Redact: r.Body.Redact})
}

// notify is POST of a notice of the server to somebody.
func (a *API) notify(ctx context.Context, r *httpx.Request[NewNotice]) (httpx.None, error) {
	if r.Body.Text == "" {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "There is nothing to say.")
	}
	content, err := json.Marshal(map[string]string{"msgtype": "m.text", "body": r.Body.Text})
	if err == nil {
		_, err = a.notices.Tell(ctx, notice.Notice{To: r.Body.User, Content: content})
	}
	return httpx.None{}, err
}

// tokens is GET of all registration tokens.
func (a *API) tokens(ctx context.Context, _ *httpx.Request[httpx.None]) (list tokenList, err error) {
	all, err := a.accounts.RegistrationTokens(ctx)
	for _, t := range all {
		list.Tokens = append(list.Tokens, asToken(t))
	}
	return list, err
}

// createToken is POST of a registration token.
func (a *API) createToken(ctx context.Context, r *httpx.Request[NewToken]) (Token, error) {
	made, err := a.accounts.CreateRegistrationToken(ctx, account.RegistrationToken{
		Token: r.Body.Token, Note: r.Body.Note, UsesAllowed: r.Body.UsesAllowed, ExpiresMS: r.Body.ExpiresMS,
	})
	return asToken(made), err
}

func asToken(t account.RegistrationToken) Token {
	return Token{Token: t.Token, Note: t.Note, UsesAllowed: t.UsesAllowed, Used: t.Used, ExpiresMS: t.ExpiresMS}
}

// revokeToken is DELETE of a registration token.
func (a *API) revokeToken(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, a.accounts.RevokeRegistrationToken(ctx, r.Path("token"))
}
