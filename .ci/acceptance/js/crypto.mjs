// Acceptance of end-to-end encryption by matrix-js-sdk and its Rust crypto. Like
// main.mjs, the program is told where a server is and how to restart it.

import { openWorld } from "./world.mjs";
import identity from "./crypto/identity.mjs";
import talk from "./crypto/talk.mjs";
import verification from "./crypto/verification.mjs";
import recovery from "./crypto/recovery.mjs";
import devices from "./crypto/devices.mjs";
import absence from "./crypto/absence.mjs";
import latecomer from "./crypto/latecomer.mjs";
import dehydration from "./crypto/dehydration.mjs";

await openWorld({ identity, talk, verification, recovery, devices, absence, latecomer, dehydration });
