package session

import (
	"net/http"

	"golang.org/x/text/language"

	"plenum/homeserver/account/uia"
)

// words are what the pages say, in one language.
type words struct {
	Lang string

	titles                   map[string]string // by stage
	DoneTitle, GoneTitle     string
	LoginTitle               string
	Name, Password, Continue string
	Token, Accept, DummyText string
	MustAccept               string
	Done, Gone               string
	NoScript, Failed         string
}

// languages are what the pages speak, the first for whoever speaks none of them.
var languages = []words{
	{
		Lang: "en",
		titles: map[string]string{
			uia.Password:          "Confirm that it is you",
			uia.RegistrationToken: "Registration token",
			uia.Terms:             "Terms",
			uia.Dummy:             "Continue",
		},
		DoneTitle:  "Done",
		GoneTitle:  "Nothing to do here",
		LoginTitle: "Sign in",
		Name:       "Name",
		Password:   "Password",
		Continue:   "Continue",
		Token:      "The token that you were given",
		Accept:     "I have read this and agree.",
		MustAccept: "An account needs your agreement.",
		DummyText:  "There is nothing to fill in.",
		Done:       "You can close this window and go back to your app.",
		Gone:       "This step is over, or was never to be done. Go back to your app and start again.",
		NoScript:   "This page needs JavaScript to hand the session over to your app.",
		Failed:     "The server did not answer. Try again.",
	},
	{
		Lang: "de",
		titles: map[string]string{
			uia.Password:          "Bestätige, dass du es bist",
			uia.RegistrationToken: "Registrierungs-Token",
			uia.Terms:             "Bedingungen",
			uia.Dummy:             "Weiter",
		},
		DoneTitle:  "Fertig",
		GoneTitle:  "Hier ist nichts zu tun",
		LoginTitle: "Anmelden",
		Name:       "Name",
		Password:   "Passwort",
		Continue:   "Weiter",
		Token:      "Das Token, das du bekommen hast",
		Accept:     "Ich habe das gelesen und bin einverstanden.",
		MustAccept: "Für ein Konto braucht es dein Einverständnis.",
		DummyText:  "Hier ist nichts auszufüllen.",
		Done:       "Du kannst dieses Fenster schließen und zu deiner App zurückgehen.",
		Gone:       "Dieser Schritt ist vorbei oder war nicht zu tun. Geh zurück zu deiner App und beginne noch einmal.",
		NoScript:   "Diese Seite braucht JavaScript, um deiner App die Sitzung zu übergeben.",
		Failed:     "Der Server hat nicht geantwortet. Versuch es noch einmal.",
	},
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// wordsFor returns the words for whom r comes from.
func wordsFor(r *http.Request) words {
	_, i := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[i]
}
