// Acceptance of a running homeserver by matrix-js-sdk, a client that is not
// ours. The program starts no server; it is told where one is, and how to
// restart it.

import { openWorld } from "./world.mjs";
import accounts from "./walks/accounts.mjs";
import conversation from "./walks/conversation.mjs";
import attention from "./walks/attention.mjs";
import webpush from "./walks/webpush.mjs";
import moderation from "./walks/moderation.mjs";
import directory from "./walks/directory.mjs";
import settings from "./walks/settings.mjs";
import calls from "./walks/calls.mjs";
import leaving from "./walks/leaving.mjs";
import history from "./walks/history.mjs";
import sliding from "./walks/sliding.mjs";
import restart from "./walks/restart.mjs";
import logout from "./walks/logout.mjs";

await openWorld({ accounts, conversation, attention, webpush, moderation, directory, settings, calls, leaving, history, sliding, restart, logout });
