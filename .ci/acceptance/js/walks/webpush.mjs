// Web push: a browser's side of it, with http_ece, by which browsers' own
// tests and push libraries encrypt. Its push server is here, next to the
// server under test.

import assert from "node:assert/strict";
import { createECDH, createPublicKey, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import ece from "http_ece";

export default async function webpush(walk, world) {
    const { alice, bob, kitchen } = world;
    const browser = new Browser();
    await browser.listen();
    try {
        const { vapid } = await walk.must("the server says by which key it can be known", async () => {
            const { capabilities } = await bob.request("GET", "/capabilities");
            assert.equal(capabilities["m.webpush"].enabled, true);
            assert.deepEqual(capabilities["org.matrix.msc4174.webpush"], capabilities["m.webpush"]);
            return capabilities["m.webpush"];
        });
        const token = await walk.must("a new browser is sent a token, and nothing else", async () => {
            await bob.request("POST", "/pushers/set", { body: browser.pusher(bob.id) });
            const { app_id: appId, ack_token: ackToken } = await browser.next(vapid);
            assert.equal(appId, "org.example.browser");
            assert.equal((await ours(bob)).activated, false);
            return ackToken;
        });
        await walk.must("the browser shows that it arrived", async () => {
            await bob.request("POST", "/pushers/ack", { body: { app_id: "org.example.browser", ack_token: token } });
            assert.equal((await ours(bob)).activated, true);
        });
        await walk.step("the browser reads what is said", async () => {
            const eventId = await alice.say(kitchen, `${bob.localpart}, can your browser read this?`);
            const told = await browser.next(vapid);
            assert.equal(told.event_id, eventId);
            assert.equal(told.room_id, kitchen);
            assert.equal(told.content.body, `${bob.localpart}, can your browser read this?`);
            assert.equal(told.user_id, bob.id, "what the client wanted to have back");
        });
        await walk.step("a subscription that ended is forgotten", async () => {
            browser.status = 410;
            await alice.say(kitchen, `${bob.localpart}, are you there?`);
            await browser.next(vapid);
            for (let wait = 10; await ours(bob); wait *= 2) {
                assert.ok(wait < 10_000, "the pusher stays");
                await new Promise((resolve) => setTimeout(resolve, wait));
            }
        });
    } finally {
        browser.close();
    }
}

async function ours(person) {
    const { pushers } = await person.request("GET", "/pushers");
    return pushers.find((pusher) => pusher.app_id === "org.example.browser");
}

/** A browser with its push server. */
class Browser {
    status = 201;
    #key = createECDH("prime256v1");
    #auth = randomBytes(16);
    #heard = [];
    #server = createServer(async (request, response) => {
        const parts = [];
        for await (const part of request) {
            parts.push(part);
        }
        response.writeHead(this.status).end();
        this.#heard.push({ headers: request.headers, body: Buffer.concat(parts) });
        this.#server.emit("heard");
    });

    async listen() {
        this.#key.generateKeys();
        this.#server.listen(0, "127.0.0.1");
        await once(this.#server, "listening");
    }

    close() {
        this.#server.close();
        this.#server.closeAllConnections();
    }

    get #origin() {
        return `http://127.0.0.1:${this.#server.address().port}`;
    }

    pusher(userId) {
        return {
            kind: "webpush",
            app_id: "org.example.browser",
            pushkey: this.#key.getPublicKey("base64url"),
            app_display_name: "Browser",
            device_display_name: "browser",
            lang: "en",
            data: {
                url: `${this.#origin}/push/1`,
                auth: this.#auth.toString("base64url"),
                default_payload: { user_id: userId },
            },
        };
    }

    /** The next message, which must come from whoever has that key. */
    async next(vapid) {
        while (this.#heard.length === 0) {
            await once(this.#server, "heard", { signal: AbortSignal.timeout(15_000) });
        }
        const { headers, body } = this.#heard.shift();
        assert.equal(headers["content-encoding"], "aes128gcm");
        assert.ok(Number(headers.ttl) > 0);
        this.#authentic(headers.authorization, vapid);
        return JSON.parse(ece.decrypt(body, { version: "aes128gcm", privateKey: this.#key, authSecret: this.#auth.toString("base64url") }));
    }

    #authentic(authorization, vapid) {
        const [, token, key] = /^vapid t=([^,]+), k=(.+)$/.exec(authorization);
        assert.equal(key, vapid);
        const point = Buffer.from(key, "base64url");
        const jwk = { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") };
        const [head, claims, signature] = token.split(".");
        const signed = verify("sha256", `${head}.${claims}`, { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
        assert.ok(signed, "the token is signed with the key");
        const { aud, exp } = JSON.parse(Buffer.from(claims, "base64url"));
        assert.equal(aud, this.#origin);
        assert.ok(exp * 1000 > Date.now() && exp * 1000 < Date.now() + 24 * 3600 * 1000);
    }
}
