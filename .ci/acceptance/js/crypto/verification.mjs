// Verification by emoji: of another person, and of a new device of one's own.

import assert from "node:assert/strict";
import { compareEmoji, nextRequest } from "./emoji.mjs";
import { loginSecretive } from "./secretive.mjs";

export default async function verification(walk, world) {
    const { alice, bob, room } = world;

    await walk.must("two people compare emoji", async () => {
        const asked = nextRequest(bob);
        const request = await alice.crypto.requestVerificationDM(bob.id, room);
        await compareEmoji(request, await asked);
    });
    await walk.step("both trust each other now", async () => {
        for (const [one, other] of [[alice, bob], [bob, alice]]) {
            await trusts(one, other);
        }
    });
    await walk.step("their devices are trusted with them", async () => {
        assert.equal((await bob.crypto.getDeviceVerificationStatus(alice.id, alice.device)).crossSigningVerified, true);
    });

    const phone = await walk.must("alice signs in on her phone", () => loginSecretive(world, alice, "alice's phone"));
    world.phone = phone;
    await walk.step("the phone cannot read what was said before", async () => {
        await phone.ready(room, bob);
        await phone.cannotRead(room, Object.keys(world.said)[0]);
    });
    await walk.must("alice compares emoji with herself", async () => {
        const asked = nextRequest(alice);
        const request = await phone.crypto.requestOwnUserVerification();
        await compareEmoji(request, await asked);
    });
    await walk.step("the phone has the identity", async () => {
        await eventually(() => phone.crypto.isCrossSigningReady());
        await eventually(async () => (await phone.crypto.getDeviceVerificationStatus(alice.id, phone.device)).crossSigningVerified);
    });
    await walk.step("bob trusts the phone without being asked", () =>
        eventually(async () => (await bob.crypto.getDeviceVerificationStatus(alice.id, phone.device))?.crossSigningVerified),
    );
    await walk.step("the phone reads what was said before", async () => {
        await eventually(() => phone.crypto.getActiveSessionBackupVersion());
        for (const [eventId, body] of Object.entries(world.said)) {
            assert.equal(await phone.reads(room, eventId), body);
        }
    });
    await walk.step("everybody reads what comes now", async () => {
        const said = await bob.say(room, "hello, both of you");
        assert.equal(await alice.reads(room, said), "hello, both of you");
        assert.equal(await phone.reads(room, said), "hello, both of you");
        const back = await phone.say(room, "hello from the phone");
        assert.equal(await bob.reads(room, back), "hello from the phone");
        Object.assign(world.said, { [said]: "hello, both of you", [back]: "hello from the phone" });
    });
}

function trusts(one, other) {
    return eventually(async () => (await one.crypto.getUserVerificationStatus(other.id)).isCrossSigningVerified());
}

/** Waits for something that the library does in its own time. */
export async function eventually(what) {
    for (let i = 0; i < 150; i++) {
        if (await what()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(`waited in vain for ${what}`);
}
