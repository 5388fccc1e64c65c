// People sign up and sign in to an app in their browser.

import assert from "node:assert/strict";
import { comeBack, openApp, whoami } from "./app.mjs";

export const password = "correct horse battery";

export default async function codes(walk, world) {
    world.app = await walk.must("an app finds the server out and registers", () => openApp(world, "Chat App"));

    await walk.must("somebody without an account makes one, on a phone, in German", async () => {
        const name = world.name("ada");
        await world.visit("phone", "de-DE", async (window) => {
            const url = await world.app.generateAuthorizationCodeGrantUrl("one", world.callback, "fragment", "create");
            await window.open(url);
            await window.says("Neues Konto");
            await window.type({ "Registrierungs-Token": "made-up", Name: name, Passwort: password, "Dasselbe Passwort noch einmal": password });
            await window.tick("Ich habe das gelesen");
            await window.press("Konto anlegen");
            await window.says("Dieses Registrierungs-Token gilt nicht");
            await window.type({ "Registrierungs-Token": world.registrationToken, Passwort: password, "Dasselbe Passwort noch einmal": password });
            await window.tick("Ich habe das gelesen");
            await window.press("Konto anlegen");
            await window.says("Diese App hereinlassen?");
            await window.says("Chat App");
            await window.press("Hereinlassen");
            world.ada = await comeBack(world, world.app, window.page.url(), "one");
        });
        const who = await whoami(world, world.ada);
        assert.equal(who.user_id.split(":")[0], `@${name}`);
        assert.equal(who.device_id, world.app.context.deviceId);
        world.adaName = name;
    });

    await walk.step("her tokens are renewed, and a lost answer costs nothing", async () => {
        await world.app.performRefreshTokenGrant(world.ada.refresh_token); // lost
        const renewed = await world.app.performRefreshTokenGrant(world.ada.refresh_token);
        await whoami(world, renewed);
        world.ada = renewed;
    });

    await walk.step("she signs in to another app at a desk, with the keyboard alone", async () => {
        const app = await openApp(world, "Chat App on the desk");
        await world.visit("desk", "en-US", async (window) => {
            await window.open(await app.generateAuthorizationCodeGrantUrl("two", world.callback, "query"));
            await window.says("Sign in");
            const { keyboard } = window.page;
            await keyboard.type(world.adaName); // the first field has the focus
            await keyboard.press("Tab");
            await keyboard.type("not this one");
            await keyboard.press("Enter");
            await window.page.getByRole("alert").waitFor();
            await window.looked();
            await window.says("The name or the password is wrong.");
            await keyboard.type(password); // the name is still there, so the focus is here
            await keyboard.press("Enter");
            await window.page.getByText("Let this app in?").first().waitFor();
            await window.looked();
            await window.page.getByRole("button", { name: "Let it in" }).focus();
            await keyboard.press("Enter");
            await window.page.waitForURL(`${world.callback}**`);
            const tokens = await comeBack(world, app, window.page.url(), "two");
            assert.equal((await whoami(world, tokens)).device_id, app.context.deviceId);
            await app.revokeToken(tokens.refresh_token, "refresh_token");
            await assert.rejects(whoami(world, tokens), /M_UNKNOWN_TOKEN/);
        });
    });

    await walk.step("she changes the language, and does not let an app in", async () => {
        await world.visit("phone", "en-US", async (window) => {
            await window.open(await world.app.generateAuthorizationCodeGrantUrl("three", world.callback));
            window.language = "de";
            await window.follow("Deutsch");
            await window.type({ Name: world.adaName, Passwort: password });
            await window.press("Anmelden");
            await window.press("Nein");
            const told = new URLSearchParams(new URL(window.page.url()).hash.slice(1));
            assert.equal(told.get("error"), "access_denied");
        });
    });

    await walk.step("a request that cannot be is said to be one", async () => {
        await world.visit("phone", "en-US", async (window) => {
            const url = new URL(await world.app.generateAuthorizationCodeGrantUrl("four", world.callback));
            url.searchParams.set("redirect_uri", "https://evil.example/");
            const response = await window.open(url.href);
            assert.equal(response.status(), 400);
            await window.says("This did not work");
        });
    });
}
