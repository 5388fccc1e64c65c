// A program without a browser signs somebody in who types its code elsewhere.

import assert from "node:assert/strict";
import { openApp, whoami } from "./app.mjs";
import { password } from "./codes.mjs";

export default async function devices(walk, world) {
    await walk.step("a code is typed on a phone", async () => {
        const app = await openApp(world, "Terminal");
        const waiting = await app.startDeviceAuthorizationGrant();
        const tokens = app.waitForDeviceAuthorizationGrant(waiting);
        await world.visit("phone", "en-US", async (window) => {
            await window.open(waiting.verification_uri);
            await window.type({ Name: world.adaName, Password: password });
            await window.press("Sign in");
            await window.type({ Code: "WRNG-CDXX" });
            await window.press("Continue");
            await window.says("This code is wrong");
            await window.type({ Code: waiting.user_code.toLowerCase() });
            await window.press("Continue");
            await window.says("Terminal");
            await window.press("Let it in");
            await window.says("Done");
        });
        assert.equal((await whoami(world, await tokens)).device_id, app.context.deviceId);
    });

    await walk.step("a code in the address is refused at a desk, in German", async () => {
        const app = await openApp(world, "Terminal");
        const waiting = await app.startDeviceAuthorizationGrant();
        await world.visit("desk", "de-DE", async (window) => {
            await window.open(waiting.verification_uri_complete);
            await window.type({ Name: world.adaName, Passwort: password });
            await window.press("Anmelden");
            await window.says(waiting.user_code);
            await window.press("Nein");
            await window.says("Nicht hereingelassen");
        });
        assert.equal((await app.waitForDeviceAuthorizationGrant(waiting)).error, "access_denied");
    });
}
