// An app that signs people in with the OAuth 2.0 code of matrix-js-sdk.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { guest } from "../person.mjs";

/** Registers an app and returns what it signs people in with. */
export async function openApp(world, name) {
    const metadata = await guest(world.baseUrl).getAuthMetadata();
    const clientId = await sdk.OAuth2.registerClient(metadata, {
        application_type: "native",
        client_name: name,
        client_uri: "https://chat.example/",
        redirect_uris: ["http://127.0.0.1/callback"],
        tos_uri: "https://chat.example/terms",
        policy_uri: "https://chat.example/privacy",
    });
    return new sdk.OAuth2(metadata, { clientId });
}

/** Lets an app fetch its tokens, from where the browser came back to. */
export async function comeBack(world, app, address, state) {
    const url = new URL(address);
    assert.equal(url.origin + url.pathname, world.callback, `the browser is at ${address}`);
    const told = new URLSearchParams(url.hash ? url.hash.slice(1) : url.search);
    assert.equal(told.get("state"), state);
    assert.equal(told.get("error"), null);
    return app.completeAuthorizationCodeGrant(told.get("code"), world.callback);
}

/** Who the tokens are for. */
export function whoami(world, tokens) {
    return sdk.createClient({ baseUrl: world.baseUrl, accessToken: tokens.access_token }).whoami();
}
