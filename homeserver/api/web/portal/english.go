package portal

var english = words{
	Lang: "en", Own: "English", DayFormat: "2 January 2006", Skip: "To the content",

	SignIn: "Sign in", SignInTo: "with your account on", Name: "Name", Password: "Password",
	NoAccount: "Make a new account", HaveAccount: "I have an account already", BackToSignIn: "Back to signing in",

	SignUp: "New account", SignUpOn: "You will have it on",
	Token: "Registration token", TokenHint: "Somebody who looks after this server has given it to you.",
	NameHint: "Small letters, digits, and . _ = - /  It cannot be changed later.", PasswordHint: "At least this many characters:",
	Again: "The same password again", Make: "Make the account", Accept: "I have read this and agree:",
	ClosedTitle: "No new accounts", Closed: "On this server, only those who look after it make accounts. Ask one of them.",

	ConsentTitle: "Let this app in?", Wants: "wants to use your account.", WantsFrom: "It says that it comes from",
	MayTitle: "It will be able to:", MayRead: "read your messages and see your contacts", MayWrite: "write, join and leave in your name", MayKnow: "see and change your profile and settings",
	MayNot:   "It does not learn your password.",
	LocalApp: "This is an app on your device. Only go on if you have just opened it yourself.",
	Replaces: "It takes the place of a device that you have already:",
	AppTerms: "Terms of the app", AppPrivacy: "What the app does with your data",
	Allow: "Let it in", Deny: "No", SignedInAs: "You are", Switch: "Use another account",
	OnlyIfYou: "If you did not just try to sign in, choose no.",

	LinkTitle: "Link a device", LinkIntro: "Another device or program shows you a code. Type it here to sign in there.",
	Code: "Code", CodeHint: "Eight letters, such as BCDF-GHJK", Continue: "Continue",
	OnDevice: "Its device:", CompareCode: "Is this the code that you see there?",
	LinkWarning: "Only go on if the device is with you, and shows this code. If somebody else has sent it to you, they would get into your account.",
	BadCode:     "This code is wrong, used, or too old. Look at it once more, or start again on the device.",
	LinkedTitle: "Done", Linked: "The device is signed in in a moment. You can close this page.",
	DeniedTitle: "Not let in", Denied: "Nobody got into your account. You can close this page.",

	SSOTitle: "Sign in there?", SSOWants: "gets your account, and can read and write everything in it.", SSOContinue: "Sign in",

	AccountTitle: "Your account", AccountIntro: "Here you look after the account", SignOut: "Sign out of these pages", SignOutHint: "Your apps stay signed in.", Back: "Back to your account",
	NameTitle: "Your name", NameIntro: "This is what others see. It need not be your real name.", DisplayName: "Name that others see", Save: "Save", SavedTitle: "Saved", Saved: "It is changed.",
	DevicesTitle: "Your devices", DevicesIntro: "Apps and devices that are signed in to your account. Is there one that you do not know? Sign it out, and change your password.",
	Seen: "Last seen:", NoDevices: "You are signed in nowhere.", NoDevice: "There is no such device, or not any more.", AllButton: "Sign out everywhere",
	DeviceIs: "Id:", DeviceEnd: "Sign this device out", DeviceWarning: "Encrypted messages that are only on this device are lost, unless your keys are backed up.",
	AllTitle: "Sign out everywhere", AllWarning: "All apps and devices are signed out, and what is encrypted can be read again only with your recovery key or a backup of your keys.", AllEnd: "Sign out everywhere",
	PasswordTitle: "Change your password", Current: "Password until now", New: "New password", Everywhere: "Also sign out all apps and devices",
	EverywhereHint: "Do this if somebody else may know the old one.", PasswordSaved: "You have a new password.",
	ResetTitle: "Reset your digital identity?", ResetIntro: "This is for when your app has lost its keys, or you have forgotten your recovery key. The app asks for it then.",
	ResetWarning: "After that, your contacts have to verify you once more, and old encrypted messages without a backup stay unreadable. If you did not ask for it, close this page.",
	ResetAllow:   "Allow the reset", ResetDoneTitle: "Allowed", ResetDone: "Go back to your app within ten minutes, and go on there.",
	CloseTitle: "Close your account", CloseIntro: "This is for ever. You leave all rooms and are signed out everywhere, and nobody can have this name again.",
	Redact: "Also take back all that I have written", RedactHint: "It is removed from the rooms that you are in, for everybody whose server and app obey.",
	Erase: "Also hide what I have written", EraseHint: "New members do not see it any more. Those who were there keep it, and other servers may, too.",
	Sure: "Yes, I want to close it", CloseEnd: "Close the account for ever", NotSure: "Tick the box if you are sure.",
	ClosedOwnTitle: "Your account is closed", ClosedOwn: "Take care.",
	MenuName: "Name that others see", MenuDevices: "Devices and apps", MenuPassword: "Password", MenuReset: "Digital identity (keys)", MenuClose: "Close the account",

	StaleTitle: "Once more, please", Stale: "This form was too old, or cookies are switched off. Go back, load the page again, and send it once more.",
	GoneTitle: "There is nothing here", Gone: "The address is not complete, or its time is over. Go back to your app and start again.",
	BadTitle: "This did not work", Bad: "The app that has sent you here made a mistake. Go back to it and try again.", BadDetail: "For those who make the app:",
	Differ: "The two passwords differ.", Weak: "This password is too short.", Taken: "Somebody else has this name.", BadName: "This name cannot be used.",
	Wrong: "The name or the password is wrong.", WrongPassword: "The password is wrong.", TooOften: "There were too many attempts. Wait a few minutes.", BadToken: "This registration token is not valid, or not any more.",
	MustAccept: "Something is missing: a password, or your agreement.", Locked: "This account is locked. Ask those who look after this server.", Deactivated: "This account has been closed.",
}
