package portal

import (
	"net/http"

	"golang.org/x/text/language"

	"plenum/internal/matrix"
)

// words are what the pages say, in one language. In texts that go on after a
// name, the parts before and after it are two.
type words struct {
	Lang, Own string // code of the language, and its name for those who speak it
	DayFormat string
	Skip      string // to the content, for those who cannot see

	SignIn, SignInTo, Name, Password     string
	NoAccount, HaveAccount, BackToSignIn string

	SignUp, SignUpOn, Token, TokenHint, NameHint, PasswordHint, Again, Make, Accept string
	ClosedTitle, Closed                                                             string

	ConsentTitle, Wants, WantsFrom, MayTitle, MayRead, MayWrite, MayKnow, MayNot string
	LocalApp, Replaces, AppTerms, AppPrivacy, Allow, Deny, SignedInAs, Switch    string
	OnlyIfYou                                                                    string

	LinkTitle, LinkIntro, Code, CodeHint, Continue, OnDevice, CompareCode                 string
	LinkWarning, BadCode, LinkedTitle, Linked, DeniedTitle, Denied                        string
	SSOTitle, SSOWants, SSOContinue                                                       string
	AccountTitle, AccountIntro, SignOut, SignOutHint, Back                                string
	NameTitle, NameIntro, DisplayName, Save, SavedTitle, Saved                            string
	DevicesTitle, DevicesIntro, Seen, NoDevices, NoDevice, AllButton                      string
	DeviceIs, DeviceEnd, DeviceWarning, AllTitle, AllWarning, AllEnd                      string
	PasswordTitle, Current, New, Everywhere, EverywhereHint, PasswordSaved                string
	ResetTitle, ResetIntro, ResetWarning, ResetAllow                                      string
	ResetDoneTitle, ResetDone                                                             string
	CloseTitle, CloseIntro, Redact, RedactHint, Erase, EraseHint, Sure, CloseEnd, NotSure string
	ClosedOwnTitle, ClosedOwn                                                             string
	MenuName, MenuDevices, MenuPassword, MenuReset, MenuClose                             string
	StaleTitle, Stale, GoneTitle, Gone, BadTitle, Bad, BadDetail                          string
	Differ, Weak, Taken, BadName, Wrong, WrongPassword, TooOften, BadToken                string
	MustAccept                                                                            string
	Locked, Deactivated                                                                   string
}

// languages are what the pages speak, the first for whoever speaks none of them.
var languages = []words{english, german}

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// langCookie remembers the language that somebody has chosen.
const langCookie = "plenum-lang"

// chooseLanguage finds the words for this visit: the language that was chosen
// on the page, now or earlier, or else one that the browser asks for.
func (v *visit) chooseLanguage() {
	if chosen, ok := wordsIn(v.r.URL.Query().Get("lang")); ok {
		v.said = chosen
		http.SetCookie(v.w, &http.Cookie{
			Name: langCookie, Value: chosen.Lang, Path: "/_plenum/", HttpOnly: true, Secure: v.api.secure, SameSite: http.SameSiteLaxMode,
		})
		return
	}
	if c, err := v.r.Cookie(langCookie); err == nil {
		if chosen, ok := wordsIn(c.Value); ok {
			v.said = chosen
			return
		}
	}
	_, i := language.MatchStrings(matcher, v.r.Header.Get("Accept-Language"))
	v.said = languages[i]
}

func wordsIn(lang string) (words, bool) {
	for _, w := range languages {
		if w.Lang == lang {
			return w, true
		}
	}
	return words{}, false
}

// problem says in this language what went wrong. What it has no words for is
// said in those of the error.
func (w words) problem(err *matrix.Error) string {
	text := map[matrix.Code]string{
		matrix.Forbidden: w.Wrong, matrix.LimitExceeded: w.TooOften, matrix.Unauthorized: w.BadToken,
		matrix.WeakPassword: w.Weak, matrix.UserInUse: w.Taken, matrix.InvalidUsername: w.BadName, matrix.Exclusive: w.Taken,
		matrix.MissingParam: w.MustAccept, matrix.UserLocked: w.Locked, matrix.UserDeactivated: w.Deactivated,
	}[err.Code]
	if text == "" {
		return err.Text
	}
	return text
}
