package web

import (
	"net/http"

	"golang.org/x/text/language"

	"plenum/internal/matrix"
)

// words are what the pages say, in one language.
type words struct {
	Lang string

	Title, Intro               string
	Name, NameHint             string
	Password, Again, Make      string
	Differ, Weak               string
	Taken, BadName             string
	GoneTitle, Gone            string
	DoneTitle, Done, AddressIs string

	HomeTitle, HomeIs, HomeUse string
}

// languages are what we speak, the first for whoever speaks none of them.
var languages = []words{
	{
		Lang:      "en",
		Title:     "The first account",
		Intro:     "This server has no account yet. Make yours: it will be the administrator's.",
		Name:      "Name",
		NameHint:  "Small letters, digits, and . _ = - /",
		Password:  "Password",
		Again:     "The same password again",
		Make:      "Make the account",
		Differ:    "The two passwords differ.",
		Weak:      "This password is too short.",
		Taken:     "This name is taken.",
		BadName:   "This name cannot be used.",
		GoneTitle: "This link is used up",
		Gone:      "The first account was made already, or the address is not complete. An administrator can make more accounts.",
		DoneTitle: "Your account is ready",
		Done:      "Now sign in with a Matrix client as",
		AddressIs: "If the client asks for the homeserver, its address is",
		HomeTitle: "A Matrix server",
		HomeIs:    "People with an account here talk in rooms. There is nothing to see on this page: messages are read and written with a client, a program on your phone or computer.",
		HomeUse:   "If you have an account, sign in with any Matrix client. The homeserver is",
	},
	{
		Lang:      "de",
		Title:     "Das erste Konto",
		Intro:     "Auf diesem Server gibt es noch kein Konto. Lege deines an: Es wird das der Verwaltung.",
		Name:      "Name",
		NameHint:  "Kleine Buchstaben, Ziffern und . _ = - /",
		Password:  "Passwort",
		Again:     "Dasselbe Passwort noch einmal",
		Make:      "Konto anlegen",
		Differ:    "Die beiden Passwörter sind verschieden.",
		Weak:      "Dieses Passwort ist zu kurz.",
		Taken:     "Dieser Name ist vergeben.",
		BadName:   "Dieser Name geht nicht.",
		GoneTitle: "Dieser Link ist verbraucht",
		Gone:      "Das erste Konto gibt es schon, oder die Adresse ist unvollständig. Weitere Konten legt die Verwaltung an.",
		DoneTitle: "Dein Konto ist bereit",
		Done:      "Melde dich jetzt mit einem Matrix-Programm an als",
		AddressIs: "Fragt das Programm nach dem Heimserver, ist seine Adresse",
		HomeTitle: "Ein Matrix-Server",
		HomeIs:    "Wer hier ein Konto hat, unterhält sich in Räumen. Auf dieser Seite gibt es nichts zu sehen: Nachrichten liest und schreibt man mit einem Matrix-Programm auf dem Telefon oder Rechner.",
		HomeUse:   "Hast du ein Konto, melde dich mit einem beliebigen Matrix-Programm an. Der Heimserver ist",
	},
}

// problem says in this language what went wrong. What it has no words for is
// said in those of the error.
func (w words) problem(err *matrix.Error) string {
	switch err.Code {
	case matrix.UserInUse:
		return w.Taken
	case matrix.InvalidUsername:
		return w.BadName
	case matrix.WeakPassword:
		return w.Weak
	}
	return err.Text
}

// wordsFor returns the words for whom r comes from.
func wordsFor(r *http.Request) words {
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return languages[0]
	}
	for _, tag := range wanted { // few languages, so the plain way is enough
		base, _ := tag.Base()
		for _, w := range languages {
			if base.String() == w.Lang {
				return w
			}
		}
	}
	return languages[0]
}
