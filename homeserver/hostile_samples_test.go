package homeserver_test

const (
	v1       = "/_matrix/client/v1"
	v3       = "/_matrix/client/v3"
	unstable = "/_matrix/client/unstable"
)

// samples are good requests, for routes whose bodies cannot be told from a Go
// type: those that take any JSON, and those that look deeper than their type.
// "$user", "$room", "$said", "$device" and "$alias" are the sender's own, "$auth"
// is how they show that it is them, and "$ada" is somebody else.
var samples = []struct {
	route string
	path  map[string]string // parameters of the path that have to fit
	query string
	body  string
}{
	{"POST " + v3 + "/login", nil, "", `{"type":"m.login.password","identifier":{"type":"m.id.user","user":"$user"},"password":"wrong","device_id":"D","initial_device_display_name":"n","refresh_token":true}`},
	{"POST " + v3 + "/login", nil, "", `{"type":"m.login.token","token":"x","user":"$user","medium":"email","address":"x"}`},
	{"POST " + v1 + "/login/get_token", nil, "", `{"auth":"$auth"}`},
	{"POST " + v3 + "/register", nil, "", `{"username":"newcomer","password":"long enough","device_id":"D","initial_device_display_name":"n","refresh_token":true,"inhibit_login":false,"auth":{"type":"m.login.dummy"}}`},
	{"POST " + v3 + "/account/password", nil, "", `{"new_password":"correct horse battery","logout_devices":false,"auth":"$auth"}`},
	{"POST " + v3 + "/account/deactivate", nil, "", `{"erase":false,"id_server":"x","auth":"$auth"}`},
	{"POST " + v3 + "/delete_devices", nil, "", `{"devices":["NONE"],"auth":"$auth"}`},
	{"DELETE " + v3 + "/devices/{deviceId}", map[string]string{"deviceId": "NONE"}, "", `{"auth":"$auth"}`},

	{"PUT " + v3 + "/profile/{userId}/{keyName}", map[string]string{"keyName": "displayname"}, "", `{"displayname":"Me"}`},
	{"PUT " + v3 + "/profile/{userId}/{keyName}", map[string]string{"keyName": "avatar_url"}, "", `{"avatar_url":"mxc://one.example/a"}`},
	{"PUT " + v3 + "/profile/{userId}/{keyName}", map[string]string{"keyName": "m.tz"}, "", `{"m.tz":"Europe/Berlin"}`},
	{"PUT " + v3 + "/profile/{userId}/{keyName}", map[string]string{"keyName": "org.example.any"}, "", `{"org.example.any":{"a":[1]}}`},

	{"POST " + v3 + "/createRoom", nil, "", `{"preset":"public_chat","visibility":"private","room_version":"12","name":"n","topic":"t","invite":["$ada"],"is_direct":true,"invite_3pid":[],
		"creation_content":{"type":"m.space","m.federate":false,"additional_creators":["@nobody:one.example"],"predecessor":{"room_id":"$room","event_id":"$said"}},
		"initial_state":[{"type":"m.room.topic","state_key":"","content":{"topic":"x"}}],
		"power_level_content_override":{"users":{"$ada":50},"events":{"m.room.name":50},"users_default":0,"invite":0,"notifications":{"room":50}}}`},
	{"POST " + v3 + "/createRoom", nil, "", `{"room_version":"1","room_alias_name":"$device","creation_content":{"m.federate":false},"power_level_content_override":{"users":{"$user":100},"ban":"50"}}`},
	{"POST " + v3 + "/rooms/{roomId}/upgrade", nil, "", `{"new_version":"12","additional_creators":["$ada"]}`},
	{"POST " + v3 + "/rooms/{roomId}/invite", nil, "", `{"user_id":"$ada","reason":"x"}`},
	{"POST " + v3 + "/rooms/{roomId}/kick", nil, "", `{"user_id":"@nobody:one.example","reason":"x"}`},
	{"POST " + v3 + "/rooms/{roomId}/ban", nil, "", `{"user_id":"@nobody:one.example","reason":"x"}`},

	{send, nil, "", `{"msgtype":"m.text","body":"x","m.mentions":{"user_ids":["$ada"],"room":true},"format":"org.matrix.custom.html","formatted_body":"x"}`},
	{send, nil, "", `{"msgtype":"m.text","body":"x","m.new_content":{"body":"x","msgtype":"m.text"},"m.relates_to":{"rel_type":"m.replace","event_id":"$said"}}`},
	{send, nil, "", `{"body":"x","m.relates_to":{"rel_type":"m.thread","event_id":"$said","is_falling_back":true,"m.in_reply_to":{"event_id":"$said"}}}`},
	{send, map[string]string{"eventType": "m.reaction"}, "", `{"m.relates_to":{"rel_type":"m.annotation","event_id":"$said","key":"x"}}`},
	{send, map[string]string{"eventType": "m.room.redaction"}, "", `{"redacts":"$said","reason":"x"}`},
	{send, map[string]string{"eventType": "m.room.encrypted"}, "", `{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"x","session_id":"x","m.relates_to":{"rel_type":"m.reference","event_id":"$said"}}`},
	{"PUT " + v3 + "/rooms/{roomId}/redact/{eventId}/{txnId}", nil, "", `{"reason":"x","org.matrix.msc3912.with_relations":["m.replace"],"with_rel_types":["m.thread"]}`},

	{state, map[string]string{"eventType": "m.room.name"}, "", `{"name":"x"}`},
	{state, map[string]string{"eventType": "m.room.topic"}, "", `{"topic":"x","m.topic":{"m.text":[{"body":"x","mimetype":"text/plain"}]}}`},
	{state, map[string]string{"eventType": "m.room.avatar"}, "", `{"url":"mxc://one.example/x","info":{"w":1}}`},
	{state, map[string]string{"eventType": "m.room.power_levels"}, "", `{"ban":50,"events":{"m.room.name":50},"events_default":0,"invite":0,"kick":50,"notifications":{"room":50},"redact":50,"state_default":50,"users":{"$ada":0},"users_default":0}`},
	{state, map[string]string{"eventType": "m.room.join_rules"}, "", `{"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":"$room"}]}`},
	{state, map[string]string{"eventType": "m.room.history_visibility"}, "", `{"history_visibility":"joined"}`},
	{state, map[string]string{"eventType": "m.room.guest_access"}, "", `{"guest_access":"can_join"}`},
	{state, map[string]string{"eventType": "m.room.canonical_alias"}, "", `{"alias":"$alias","alt_aliases":["$alias"]}`},
	{state, map[string]string{"eventType": "m.room.member", "stateKey": "@nobody:one.example"}, "", `{"membership":"invite","reason":"x","is_direct":true,"displayname":"x","avatar_url":"mxc://one.example/x"}`},
	{state, map[string]string{"eventType": "m.room.member", "stateKey": "@nobody:one.example"}, "", `{"membership":"invite","third_party_invite":{"display_name":"x","signed":{"mxid":"@nobody:one.example","token":"x","signatures":{"x":{"ed25519:x":"x"}}}}}`},
	{state, map[string]string{"eventType": "m.room.encryption"}, "", `{"algorithm":"m.megolm.v1.aes-sha2","rotation_period_ms":1}`},
	{state, map[string]string{"eventType": "m.room.server_acl"}, "", `{"allow":["*"],"deny":["x"],"allow_ip_literals":false}`},
	{state, map[string]string{"eventType": "m.room.pinned_events"}, "", `{"pinned":["$said"]}`},
	{state, map[string]string{"eventType": "m.space.child", "stateKey": "!nothing:one.example"}, "", `{"via":["one.example"],"order":"x","suggested":true}`},
	{state, map[string]string{"eventType": "m.room.third_party_invite", "stateKey": "x"}, "", `{"display_name":"x","key_validity_url":"x","public_key":"x","public_keys":[{"public_key":"x"}]}`},
	{state, map[string]string{"eventType": "org.example.any", "stateKey": "x"}, "", `{"x":1}`},
	{state, map[string]string{"eventType": "m.room.tombstone"}, "", `{"body":"x","replacement_room":"$room"}`},

	{globalData, map[string]string{"type": "m.ignored_user_list"}, "", `{"ignored_users":{"@nobody:one.example":{}}}`},
	{globalData, map[string]string{"type": "m.direct"}, "", `{"$ada":["$room"]}`},
	{globalData, map[string]string{"type": "m.push_rules"}, "", `{"global":{"content":[]}}`},
	{globalData, map[string]string{"type": "org.example.any"}, "", `{"x":1}`},
	{"PUT " + v3 + "/user/{userId}/rooms/{roomId}/account_data/{type}", map[string]string{"type": "m.tag"}, "", `{"tags":{"m.favourite":{"order":0.5}}}`},
	{"PUT " + v3 + "/user/{userId}/rooms/{roomId}/account_data/{type}", map[string]string{"type": "m.fully_read"}, "", `{"event_id":"$said"}`},
	{"PUT " + v3 + "/user/{userId}/rooms/{roomId}/tags/{tag}", nil, "", `{"order":0.5}`},
	{"POST " + v3 + "/user/{userId}/filter", nil, "", `{"event_fields":["type"],"event_format":"client","presence":{"types":["x"],"not_senders":["$ada"],"limit":1},"account_data":{"not_types":["x"]},
		"room":{"rooms":["$room"],"not_rooms":["!nothing:one.example"],"include_leave":true,"timeline":{"limit":1,"types":["m.*"],"lazy_load_members":true,"contains_url":true,"related_by_rel_types":["m.thread"],"unread_thread_notifications":true},
		"state":{"not_types":["x"],"include_redundant_members":true},"ephemeral":{"senders":["$ada"]},"account_data":{"types":["x"]}}}`},
	{"POST " + v3 + "/rooms/{roomId}/receipt/{receiptType}/{eventId}", nil, "", `{"thread_id":"main"}`},
	{"POST " + v3 + "/rooms/{roomId}/read_markers", nil, "", `{"m.fully_read":"$said","m.read":"$said","m.read.private":"$said"}`},
	{"PUT " + v3 + "/rooms/{roomId}/typing/{userId}", nil, "", `{"typing":true,"timeout":1000}`},
	{"PUT " + v3 + "/presence/{userId}/status", nil, "", `{"presence":"online","status_msg":"x"}`},

	{pushRule, map[string]string{"kind": "content", "ruleId": "mine"}, "", `{"pattern":"x","actions":["notify",{"set_tweak":"sound","value":"x"}]}`},
	{pushRule, map[string]string{"kind": "override", "ruleId": "mine"}, "", `{"conditions":[{"kind":"event_match","key":"content.body","pattern":"*x?"},{"kind":"room_member_count","is":"<3"},{"kind":"event_property_is","key":"content.x","value":1},
		{"kind":"event_property_contains","key":"content.x","value":"x"},{"kind":"sender_notification_permission","key":"room"},{"kind":"contains_display_name"},{"kind":"x"}],"actions":["notify",{"set_tweak":"highlight"}]}`},
	{pushRule, map[string]string{"kind": "room", "ruleId": "!nothing:one.example"}, "", `{"actions":[]}`},
	{pushRule + "/enabled", map[string]string{"kind": "override", "ruleId": ".m.rule.master"}, "", `{"enabled":false}`},
	{pushRule + "/actions", map[string]string{"kind": "underride", "ruleId": ".m.rule.message"}, "", `{"actions":["notify",{"set_tweak":"sound","value":"default"}]}`},
	{"POST " + v3 + "/pushers/set", nil, "", `{"pushkey":"k","kind":"http","app_id":"a","app_display_name":"n","device_display_name":"d","profile_tag":"p","lang":"en","append":true,"enabled":true,"device_id":"D",
		"data":{"url":"https://push.invalid/_matrix/push/v1/notify","format":"event_id_only","default_payload":{"a":1}}}`},

	{"POST " + v3 + "/keys/upload", nil, "", `{"device_keys":{"user_id":"$user","device_id":"$device","algorithms":["m.olm.v1.curve25519-aes-sha2"],"keys":{"curve25519:$device":"a","ed25519:$device":"b"},"signatures":{}},
		"one_time_keys":{"signed_curve25519:A":{"key":"x","signatures":{"$user":{"ed25519:$device":"c"}}}},"fallback_keys":{"signed_curve25519:F":{"key":"x","fallback":true}}}`},
	{"POST " + v3 + "/keys/query", nil, "", `{"timeout":1000,"device_keys":{"$ada":["x"],"$user":[]},"token":"x"}`},
	{"POST " + v3 + "/keys/claim", nil, "", `{"timeout":1000,"one_time_keys":{"$ada":{"x":"signed_curve25519"},"$user":{"$device":"signed_curve25519"}}}`},
	{"POST " + v3 + "/keys/device_signing/upload", nil, "", `{"master_key":{"user_id":"$user","usage":["master"],"keys":{"ed25519:VgQf4jZnX1rNS2pnkvhjFNlqDnyaX/tJNzyyLUBNo4o":"VgQf4jZnX1rNS2pnkvhjFNlqDnyaX/tJNzyyLUBNo4o"}},
		"self_signing_key":{"user_id":"$user","usage":["self_signing"],"keys":{"ed25519:a":"a"},"signatures":{"$user":{"ed25519:a":"b"}}},"user_signing_key":{"user_id":"$user","usage":["user_signing"],"keys":{"ed25519:a":"a"}},"auth":"$auth"}`},
	{"POST " + v3 + "/keys/device_signing/upload", nil, "", `{"master_key":{"user_id":"$user","usage":["master"],"keys":{"ed25519:VgQf4jZnX1rNS2pnkvhjFNlqDnyaX/tJNzyyLUBNo4o":"VgQf4jZnX1rNS2pnkvhjFNlqDnyaX/tJNzyyLUBNo4o"}},"auth":"$auth"}`},
	{"POST " + v3 + "/keys/signatures/upload", nil, "", `{"$user":{"$device":{"user_id":"$user","device_id":"$device","keys":{"ed25519:$device":"b"},"signatures":{"$user":{"ed25519:x":"c"}}}},"$ada":{"x":{"user_id":"$ada"}}}`},
	{"PUT " + v3 + "/sendToDevice/{eventType}/{txnId}", nil, "", `{"messages":{"$ada":{"*":{"x":1},"x":{}},"$user":{"$device":{"x":1}}}}`},
	{"PUT " + unstable + "/org.matrix.msc3814.v1/dehydrated_device", nil, "", `{"device_id":"DRY","initial_device_display_name":"n","device_data":{"algorithm":"x","account":"y"},
		"device_keys":{"user_id":"$user","device_id":"DRY","algorithms":["x"],"keys":{"ed25519:DRY":"b"},"signatures":{}},"one_time_keys":{"signed_curve25519:A":{"key":"x"}},"fallback_keys":{"signed_curve25519:F":{"key":"x"}}}`},
	{"POST " + v3 + "/room_keys/version", nil, "", `{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{"public_key":"x","signatures":{"$user":{"ed25519:x":"y"}}}}`},
	{"PUT " + v3 + "/room_keys/version/{version}", nil, "", `{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{"public_key":"x"},"version":"$version"}`},
	{"PUT " + v3 + "/room_keys/keys/{roomId}/{sessionId}", nil, "version=$version", `{"first_message_index":1,"forwarded_count":0,"is_verified":true,"session_data":{"ciphertext":"x","ephemeral":"y","mac":"z"}}`},
	{"PUT " + v3 + "/room_keys/keys/{roomId}", nil, "version=$version", `{"sessions":{"x":{"first_message_index":1,"forwarded_count":0,"is_verified":true,"session_data":{"ciphertext":"x"}}}}`},
	{"PUT " + v3 + "/room_keys/keys", nil, "version=$version", `{"rooms":{"$room":{"sessions":{"x":{"first_message_index":1,"forwarded_count":0,"is_verified":true,"session_data":{"ciphertext":"x"}}}}}}`},

	{"POST " + v3 + "/publicRooms", nil, "", `{"limit":1,"filter":{"generic_search_term":"x","room_types":["m.space",null]},"include_all_networks":true}`},
	{"POST " + v3 + "/user_directory/search", nil, "", `{"search_term":"a","limit":1}`},
	{"PUT " + v3 + "/directory/room/{roomAlias}", map[string]string{"roomAlias": "#another:one.example"}, "", `{"room_id":"$room"}`},
	{"POST " + v3 + "/rooms/{roomId}/report/{eventId}", nil, "", `{"reason":"x","score":-100}`},
}

// refusedAlways says why good requests for some routes are refused all the same.
var refusedAlways = map[string]string{
	"POST " + v3 + "/login":                      "M_FORBIDDEN",     // passwords are guessed
	"POST " + v3 + "/register":                   "M_USER_IN_USE",   // only the first one gets the name
	"POST " + v3 + "/rooms/{roomId}/kick":        "M_FORBIDDEN",     // nobody is there
	"POST " + v3 + "/keys/device_signing/upload": "M_INVALID_PARAM", // a key is no key
	"PUT " + v3 + "/directory/room/{roomAlias}":  "M_UNKNOWN",       // others were faster
	state:      "M_FORBIDDEN", // an invitation by others, which there is not
	globalData: "M_BAD_JSON",  // of types with endpoints of their own
	"PUT " + v3 + "/user/{userId}/rooms/{roomId}/account_data/{type}": "M_BAD_JSON",
}

const (
	send       = "PUT " + v3 + "/rooms/{roomId}/send/{eventType}/{txnId}"
	state      = "PUT " + v3 + "/rooms/{roomId}/state/{eventType}/{stateKey?}"
	globalData = "PUT " + v3 + "/user/{userId}/account_data/{type}"
	pushRule   = "PUT " + v3 + "/pushrules/global/{kind}/{ruleId}"
)
