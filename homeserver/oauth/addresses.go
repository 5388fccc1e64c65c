package oauth

// Where programs and people find the authorization server, below its public
// address. Everything but discovery is below /_plenum/, which web servers in
// front pass on already.
const (
	AuthorizePath = "/_plenum/oauth/authorize"
	TokenPath     = "/_plenum/oauth/token"
	RevokePath    = "/_plenum/oauth/revoke"
	RegisterPath  = "/_plenum/oauth/register"
	DevicePath    = "/_plenum/oauth/device"
	LinkPath      = "/_plenum/link"    // where people type the code of a device
	AccountPath   = "/_plenum/account" // where people look after their account
)

// Action is what a program sends somebody to their account page for.
//
// Spec: client-server-api#account-management-url-actions
type Action string

// The actions. Older programs call devices sessions.
const (
	ActionProfile      Action = "org.matrix.profile"
	ActionDevices      Action = "org.matrix.devices_list"
	ActionDevice       Action = "org.matrix.device_view"
	ActionDeviceDelete Action = "org.matrix.device_delete"
	ActionClose        Action = "org.matrix.account_deactivate"
	ActionReset        Action = "org.matrix.cross_signing_reset"

	EarlyActionDevices      Action = "org.matrix.sessions_list"
	EarlyActionDevice       Action = "org.matrix.session_view"
	EarlyActionDeviceDelete Action = "org.matrix.session_end"
)

// Actions lists what the account page can be asked for.
func Actions() []Action {
	return []Action{
		ActionProfile, ActionDevices, ActionDevice, ActionDeviceDelete, ActionClose, ActionReset,
		EarlyActionDevices, EarlyActionDevice, EarlyActionDeviceDelete,
	}
}

// ResetPage is where people allow new cross-signing keys, below the public
// address.
func ResetPage() string { return AccountPath + "?action=" + string(ActionReset) }
