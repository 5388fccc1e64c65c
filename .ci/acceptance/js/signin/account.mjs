// Somebody looks after their account.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { whoami } from "./app.mjs";
import { password } from "./codes.mjs";

/** Cross-signing keys that say nothing. */
function keys(user, key) {
    return { master_key: { user_id: user, usage: ["master"], keys: { [`ed25519:${key}`]: key } } };
}

export default async function account(walk, world) {
    await walk.step("all pages of the account, on a phone and at a desk, in both languages", async () => {
        for (const [size, language, words] of [
            ["phone", "de-DE", { Name: "Passwort", go: "Anmelden" }],
            ["desk", "en-US", { Name: "Password", go: "Sign in" }],
        ]) {
            await world.visit(size, language, async (window) => {
                await window.open("/_plenum/account");
                await window.type({ Name: world.adaName, [words.Name]: password });
                await window.press(words.go);
                for (const page of ["devices", "devices/all", "name", "password", "reset", "close"]) {
                    await window.open(`/_plenum/account/${page}`);
                }
            });
        }
    });

    await walk.step("an app may make new keys after it was allowed on the page", async () => {
        const client = sdk.createClient({ baseUrl: world.baseUrl, accessToken: world.ada.access_token });
        const { user_id: user } = await whoami(world, world.ada);
        await client.uploadDeviceSigningKeys(undefined, keys(user, "nqOvzeuGWT/sRx3h7+MHoInYj3Uk2LD/unI9kDYcHwk"));
        const second = keys(user, "CoJNRI/vnNKcsRlQ1QrjmDuVmLKJwUAxjOpRXyf6kQ0");
        const asked = await client.uploadDeviceSigningKeys(undefined, second).catch((err) => err);
        assert.equal(asked.httpStatus, 401);
        await world.visit("phone", "en-US", async (window) => {
            await window.open(asked.data.params["m.oauth"].url);
            await window.type({ Name: world.adaName, Password: password });
            await window.press("Sign in");
            await window.type({ Password: password });
            await window.press("Allow the reset");
            await window.says("Go back to your app");
        });
        await client.uploadDeviceSigningKeys({ session: asked.data.session }, second);
    });

    await walk.step("she signs a device out by the link that an app gives her", async () => {
        const { device_id: device } = await whoami(world, world.ada);
        await world.visit("phone", "de-DE", async (window) => {
            const page = new URL(world.app.metadata.account_management_uri);
            page.searchParams.set("action", "org.matrix.device_delete");
            page.searchParams.set("device_id", device);
            await window.open(page.href);
            await window.type({ Name: world.adaName, Passwort: password });
            await window.press("Anmelden");
            await window.press("Dieses Gerät abmelden");
            await window.says("Deine Geräte");
        });
        await assert.rejects(whoami(world, world.ada), /M_UNKNOWN_TOKEN/);
    });
}
