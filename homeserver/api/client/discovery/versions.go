package discovery

import "strings"

// versionsResponse is what this server speaks.
//
// Spec: client-server-api#get_matrixclientversions
type versionsResponse struct {
	Versions []string        `json:"versions"`
	Unstable map[string]bool `json:"unstable_features"`
}

// supported returns the versions of the specification, and those proposals
// that clients look for by name because they are older or newer than that.
// Each must be true: clients use what is listed and do without what is not.
func supported(opt Options) versionsResponse {
	v := versionsResponse{
		Versions: []string{
			"r0.6.1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8",
			"v1.9", "v1.10", "v1.11", "v1.12", "v1.13", "v1.14", "v1.15", "v1.16", "v1.17", "v1.18", "v1.19",
		},
		Unstable: map[string]bool{
			"org.matrix.e2e_cross_signing":                   true,
			"org.matrix.msc2285.stable":                      true, // private receipts
			"org.matrix.msc3391":                             true, // account data can be deleted
			"org.matrix.msc3440.stable":                      true, // threads
			"org.matrix.msc3771":                             true, // receipts in threads
			"org.matrix.msc3773":                             true, // unread counts of threads
			"org.matrix.msc3827.stable":                      true, // spaces in the public directory
			"org.matrix.msc3881":                             true, // pushers can be switched off
			"org.matrix.msc3881.stable":                      true,
			"org.matrix.msc3882":                             true,                 // sign another device in
			"org.matrix.msc3912":                             true,                 // redact what relates to an event
			"org.matrix.msc3916.stable":                      true,                 // media for members only
			"org.matrix.msc3981":                             true,                 // relations of relations
			"org.matrix.msc4028":                             true,                 // a rule that pushes all encrypted events
			"org.matrix.msc4108":                             opt.Issuer != "",     // sign in by a QR code
			"org.matrix.msc4140":                             opt.MaxScheduled > 0, // events that are sent later
			"org.matrix.msc4140.stable":                      opt.MaxScheduled > 0,
			"org.matrix.msc4143":                             len(opt.Transports) > 0, // servers for calls
			"org.matrix.msc4155":                             true,                    // who may invite, by user and server
			"org.matrix.msc4194":                             true,                    // redact what somebody sent
			"org.matrix.msc4174":                             true,                    // web push
			"org.matrix.msc4222":                             true,                    // state after the timeline
			"org.matrix.msc4380.stable":                      true,                    // nobody may invite
			"org.matrix.msc4457_report_api":                  true,                    // report whatever it is
			"org.matrix.msc4306":                             true,                    // subscriptions to threads
			"org.matrix.msc4308":                             true,                    // and the list of them
			"org.matrix.simplified_msc3575":                  true,                    // sliding sync
			"uk.half-shot.msc2666.query_mutual_rooms":        true,                    // rooms shared with somebody
			"uk.half-shot.msc2666.query_mutual_rooms.stable": true,
			"uk.tcpip.msc4133":                               true, // any field in a profile
			"uk.tcpip.msc4133.stable":                        true,
			"uk.timedout.msc4323.stable":                     true,             // lock and suspend accounts
			"com.beeper.msc4169":                             true,             // redact by sending a redaction
			"com.beeper.msc4446":                             true,             // move the marker of what is read back
			"fi.mau.msc2246.stable":                          true,             // name media first, upload later
			"fi.mau.msc2659.stable":                          true,             // application services are asked whether they hear
			"io.element.msc4388":                             opt.Issuer != "", // sign in by a QR code, in the form to come
		},
	}
	for _, preset := range opt.Encrypted { // clients do not offer to turn it off there
		v.Unstable["io.element.e2ee_forced."+strings.TrimSuffix(preset, "_chat")] = true
	}
	return v
}
