// A lost phone: a new device gets everything back with the recovery key, from
// the server alone.

import assert from "node:assert/strict";
import { eventually } from "./verification.mjs";
import { loginSecretive } from "./secretive.mjs";

export default async function recovery(walk, world) {
    const { alice, bob, phone, room } = world;

    await walk.must("all keys are in the backup", async () => {
        await eventually(async () => {
            const { count } = await alice.request("GET", "/room_keys/version");
            return count >= 3; // alice's session, bob's and the phone's
        });
    });
    await walk.must("a restart", () => world.restartServer?.());
    alice.away();
    phone.away();

    const tablet = await walk.must("alice signs in on a tablet, with no other device near", () => loginSecretive(world, alice, "alice's tablet"));
    world.tablet = tablet;
    const [first] = Object.keys(world.said);
    await walk.step("it cannot read what was said before", async () => {
        await tablet.ready(room, bob);
        await tablet.cannotRead(room, first);
    });
    await walk.must("the recovery key brings the keys back", async () => {
        const { imported, total } = await tablet.recover(alice.recovery);
        assert.ok(imported >= 3 && imported === total, `${imported} of ${total}`);
    });
    await walk.step("it reads every message", async () => {
        for (const [eventId, body] of Object.entries(world.said)) {
            assert.equal(await tablet.reads(room, eventId), body);
        }
    });
    await walk.step("it is verified, and bob knows", async () => {
        assert.equal(await tablet.crypto.isCrossSigningReady(), true);
        bob.client.retryImmediately();
        await eventually(async () => (await bob.crypto.getDeviceVerificationStatus(alice.id, tablet.device))?.crossSigningVerified);
    });
    await walk.step("messages both ways", async () => {
        const said = await tablet.say(room, "I am back");
        assert.equal(await bob.reads(room, said), "I am back");
        const answer = await bob.say(room, "welcome");
        assert.equal(await tablet.reads(room, answer), "welcome");
        Object.assign(world.said, { [said]: "I am back", [answer]: "welcome" });
    });
    await walk.step("the devices that were away read it, too", async () => {
        [alice, phone].forEach((device) => device.back());
        for (const device of [alice, phone]) {
            for (const [eventId, body] of Object.entries(world.said)) {
                assert.equal(await device.reads(room, eventId), body);
            }
        }
    });
}
