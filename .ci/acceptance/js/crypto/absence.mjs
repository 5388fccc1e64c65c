// A device that is away for long: nothing is lost, however much piles up, and
// whoever writes to it when its one-time keys are gone is read all the same.

import assert from "node:assert/strict";
import { eventually } from "./verification.mjs";
import { registerSecretive } from "./secretive.mjs";

/** More than one sync holds, so that the rest has to follow. */
const manySessions = 130;

export default async function absence(walk, world) {
    const { alice, bob, room } = world;
    const said = {};

    await walk.must("bob goes away", async () => bob.away());
    await walk.must("alice says much to him, each with a key of its own", async () => {
        for (let i = 0; i < manySessions; i++) {
            await alice.crypto.forceDiscardSession(room);
            said[await alice.say(room, `number ${i}`)] = `number ${i}`;
        }
    });
    await walk.must("a restart", () => world.restartServer?.());
    await walk.must("his one-time keys are all taken, and then the fallback key is given", async () => {
        const claim = { one_time_keys: { [bob.id]: { [bob.device]: "signed_curve25519" } } };
        const given = new Set();
        for (;;) {
            const { one_time_keys: keys } = await alice.request("POST", "/keys/claim", { body: claim });
            const [[id, key]] = Object.entries(keys[bob.id][bob.device]);
            if (key.fallback) {
                break;
            }
            assert.ok(!given.has(id), `${id} was given twice`);
            given.add(id);
        }
        assert.ok(given.size > 10, `${given.size} one-time keys`);
    });
    const dave = await walk.must("dave, whom bob has never met, writes to him", async () => {
        const person = await registerSecretive(world, "dave");
        const roomId = await person.createEncryptedRoom({ invite: [bob.id] });
        await bob.plain.client.joinRoom(roomId);
        await person.ready(roomId, bob);
        person.said = await person.say(roomId, "you do not know me");
        person.at = roomId;
        return person;
    });

    await walk.must("bob comes back", async () => bob.back());
    await walk.step("he reads dave, by the fallback key", async () => {
        assert.equal(await bob.reads(dave.at, dave.said), "you do not know me");
    });
    await walk.step("he reads all that alice said", async () => {
        await bob.client.scrollback(bob.room(room), 1000);
        for (const [eventId, body] of Object.entries(said)) {
            assert.equal(await bob.reads(room, eventId), body);
        }
    });
    await walk.step("he is told that the fallback key was used, and has new one-time keys", async () => {
        await eventually(async () => {
            const { device_one_time_keys_count: counts, device_unused_fallback_key_types: unused } = await bob.plain.sync();
            assert.deepEqual(unused, []); // his client makes another after a week
            return counts.signed_curve25519 >= 50;
        });
    });
    await walk.step("dave and bob talk on", async () => {
        const answer = await bob.say(dave.at, "now I do");
        assert.equal(await dave.reads(dave.at, answer), "now I do");
    });
}
