// A client that does not know OAuth 2.0 signs in by single sign-on, and one
// that knows neither by the password.

import assert from "node:assert/strict";
import { guest } from "../person.mjs";
import { password } from "./codes.mjs";

export default async function legacy(walk, world) {
    await walk.step("single sign-on leads to the same pages", async () => {
        const client = guest(world.baseUrl);
        const sso = (await client.loginFlows()).flows.find((flow) => flow.type === "m.login.sso");
        assert.ok(sso.oauth_aware_preferred);
        await world.visit("phone", "en-US", async (window) => {
            await window.open(client.getSsoLoginUrl(world.callback, "sso", sso.identity_providers[0].id));
            await window.type({ Name: world.adaName, Password: password });
            await window.press("Sign in");
            await window.says("Sign in there?");
            await window.press("Sign in");
            const token = new URL(window.page.url()).searchParams.get("loginToken");
            const session = await client.login("m.login.token", { token });
            assert.ok(session.user_id.startsWith(`@${world.adaName}:`));
        });
    });

    await walk.step("the password alone is enough for old clients", async () => {
        const session = await guest(world.baseUrl).loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user: world.adaName },
            password,
        });
        assert.ok(session.access_token);
    });
}
