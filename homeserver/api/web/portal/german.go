package portal

var german = words{
	Lang: "de", Own: "Deutsch", DayFormat: "2.1.2006", Skip: "Zum Inhalt",

	SignIn: "Anmelden", SignInTo: "mit deinem Konto auf", Name: "Name", Password: "Passwort",
	NoAccount: "Neues Konto anlegen", HaveAccount: "Ich habe schon ein Konto", BackToSignIn: "Zurück zur Anmeldung",

	SignUp: "Neues Konto", SignUpOn: "Du bekommst es auf",
	Token: "Registrierungs-Token", TokenHint: "Das hast du von Leuten bekommen, die sich um diesen Server kümmern.",
	NameHint: "Kleine Buchstaben, Ziffern und . _ = - /  Der Name lässt sich später nicht ändern.", PasswordHint: "Mindestens so viele Zeichen:",
	Again: "Dasselbe Passwort noch einmal", Make: "Konto anlegen", Accept: "Ich habe das gelesen und bin einverstanden:",
	ClosedTitle: "Keine neuen Konten", Closed: "Auf diesem Server legt nur die Verwaltung Konten an. Frag dort nach.",

	ConsentTitle: "Diese App hereinlassen?", Wants: "möchte dein Konto benutzen.", WantsFrom: "Nach eigener Angabe kommt sie von",
	MayTitle: "Sie kann dann:", MayRead: "deine Nachrichten lesen und deine Kontakte sehen", MayWrite: "in deinem Namen schreiben, beitreten und austreten", MayKnow: "dein Profil und deine Einstellungen sehen und ändern",
	MayNot:   "Dein Passwort erfährt sie nicht.",
	LocalApp: "Das ist eine App auf deinem Gerät. Mach nur weiter, wenn du sie gerade selbst geöffnet hast.",
	Replaces: "Sie tritt an die Stelle eines Geräts, das du schon hast:",
	AppTerms: "Bedingungen der App", AppPrivacy: "Was die App mit deinen Daten macht",
	Allow: "Hereinlassen", Deny: "Nein", SignedInAs: "Du bist", Switch: "Anderes Konto verwenden",
	OnlyIfYou: "Hast du dich nicht gerade anmelden wollen, wähle Nein.",

	LinkTitle: "Gerät verbinden", LinkIntro: "Ein anderes Gerät oder Programm zeigt dir einen Code. Gib ihn hier ein, um dich dort anzumelden.",
	Code: "Code", CodeHint: "Acht Buchstaben, zum Beispiel BCDF-GHJK", Continue: "Weiter",
	OnDevice: "Sein Gerät:", CompareCode: "Ist das der Code, den du dort siehst?",
	LinkWarning: "Mach nur weiter, wenn das Gerät bei dir ist und diesen Code zeigt. Hat ihn dir jemand anderes geschickt, käme diese Person in dein Konto.",
	BadCode:     "Dieser Code ist falsch, verbraucht oder zu alt. Sieh noch einmal nach, oder fang auf dem Gerät von vorn an.",
	LinkedTitle: "Fertig", Linked: "Das Gerät ist gleich angemeldet. Du kannst diese Seite schließen.",
	DeniedTitle: "Nicht hereingelassen", Denied: "Niemand ist in dein Konto gekommen. Du kannst diese Seite schließen.",

	SSOTitle: "Dort anmelden?", SSOWants: "bekommt dein Konto und kann alles darin lesen und schreiben.", SSOContinue: "Anmelden",

	AccountTitle: "Dein Konto", AccountIntro: "Hier kümmerst du dich um das Konto", SignOut: "Von diesen Seiten abmelden", SignOutHint: "Deine Apps bleiben angemeldet.", Back: "Zurück zu deinem Konto",
	NameTitle: "Dein Name", NameIntro: "So sehen dich andere. Es muss nicht dein richtiger Name sein.", DisplayName: "Name, den andere sehen", Save: "Speichern", SavedTitle: "Gespeichert", Saved: "Es ist geändert.",
	DevicesTitle: "Deine Geräte", DevicesIntro: "Apps und Geräte, die an deinem Konto angemeldet sind. Ist eines dabei, das du nicht kennst? Melde es ab und ändere dein Passwort.",
	Seen: "Zuletzt gesehen:", NoDevices: "Du bist nirgends angemeldet.", NoDevice: "So ein Gerät gibt es nicht, oder nicht mehr.", AllButton: "Überall abmelden",
	DeviceIs: "Kennung:", DeviceEnd: "Dieses Gerät abmelden", DeviceWarning: "Verschlüsselte Nachrichten, die nur auf diesem Gerät sind, gehen verloren, wenn deine Schlüssel nicht gesichert sind.",
	AllTitle: "Überall abmelden", AllWarning: "Alle Apps und Geräte werden abgemeldet. Verschlüsseltes kannst du dann nur mit deinem Wiederherstellungsschlüssel oder einer Sicherung deiner Schlüssel wieder lesen.", AllEnd: "Überall abmelden",
	PasswordTitle: "Passwort ändern", Current: "Bisheriges Passwort", New: "Neues Passwort", Everywhere: "Auch alle Apps und Geräte abmelden",
	EverywhereHint: "Tu das, wenn jemand anderes das alte kennen könnte.", PasswordSaved: "Du hast ein neues Passwort.",
	ResetTitle: "Digitale Identität zurücksetzen?", ResetIntro: "Das ist für den Fall, dass deine App ihre Schlüssel verloren hat oder du deinen Wiederherstellungsschlüssel nicht mehr weißt. Dann bittet die App darum.",
	ResetWarning: "Danach müssen deine Kontakte dich neu verifizieren, und alte verschlüsselte Nachrichten ohne Sicherung bleiben unlesbar. Hast du nicht darum gebeten, schließe diese Seite.",
	ResetAllow:   "Zurücksetzen erlauben", ResetDoneTitle: "Erlaubt", ResetDone: "Geh innerhalb von zehn Minuten zurück zu deiner App und mach dort weiter.",
	CloseTitle: "Konto schließen", CloseIntro: "Das ist für immer. Du verlässt alle Räume und wirst überall abgemeldet, und niemand kann diesen Namen noch einmal haben.",
	Redact: "Auch alles zurücknehmen, was ich geschrieben habe", RedactHint: "Es wird aus den Räumen entfernt, in denen du bist, bei allen, deren Server und App sich daran halten.",
	Erase: "Auch verbergen, was ich geschrieben habe", EraseHint: "Neue Mitglieder sehen es nicht mehr. Wer da war, behält es, und andere Server vielleicht auch.",
	Sure: "Ja, ich will es schließen", CloseEnd: "Konto für immer schließen", NotSure: "Setze das Häkchen, wenn du sicher bist.",
	ClosedOwnTitle: "Dein Konto ist geschlossen", ClosedOwn: "Mach’s gut.",
	MenuName: "Name, den andere sehen", MenuDevices: "Geräte und Apps", MenuPassword: "Passwort", MenuReset: "Digitale Identität (Schlüssel)", MenuClose: "Konto schließen",

	StaleTitle: "Bitte noch einmal", Stale: "Dieses Formular war zu alt, oder Cookies sind abgeschaltet. Geh zurück, lade die Seite neu und schick es noch einmal ab.",
	GoneTitle: "Hier ist nichts", Gone: "Die Adresse ist unvollständig, oder ihre Zeit ist vorbei. Geh zurück zu deiner App und beginne noch einmal.",
	BadTitle: "Das hat nicht geklappt", Bad: "Die App, die dich hergeschickt hat, hat einen Fehler gemacht. Geh zu ihr zurück und versuch es noch einmal.", BadDetail: "Für die, die die App machen:",
	Differ: "Die beiden Passwörter sind verschieden.", Weak: "Dieses Passwort ist zu kurz.", Taken: "Diesen Namen hat schon jemand.", BadName: "Dieser Name geht nicht.",
	Wrong: "Der Name oder das Passwort ist falsch.", WrongPassword: "Das Passwort ist falsch.", TooOften: "Das waren zu viele Versuche. Warte ein paar Minuten.", BadToken: "Dieses Registrierungs-Token gilt nicht, oder nicht mehr.",
	MustAccept: "Es fehlt etwas: ein Passwort oder dein Einverständnis.", Locked: "Dieses Konto ist gesperrt. Frag die Verwaltung dieses Servers.", Deactivated: "Dieses Konto wurde geschlossen.",
}
