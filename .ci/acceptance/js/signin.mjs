// Acceptance of signing in on the pages of a running server: a browser without
// scripts, and the OAuth 2.0 code of matrix-js-sdk, neither of which is ours.
// The program starts no server; it is told where one is. With --screens it
// leaves pictures of all pages for people to look at.

import { openBrowsers } from "./signin/browsers.mjs";
import { openWorld } from "./world.mjs";
import account from "./signin/account.mjs";
import codes from "./signin/codes.mjs";
import devices from "./signin/devices.mjs";
import legacy from "./signin/legacy.mjs";

await openWorld({ browsers: openBrowsers, codes, devices, account, legacy });
