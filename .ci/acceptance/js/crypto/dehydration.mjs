// Somebody without any device: what is sent meanwhile waits in a dehydrated
// device, which the next device finds.

import assert from "node:assert/strict";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { loginSecretive, registerSecretive } from "./secretive.mjs";

export default async function dehydration(walk, world) {
    const { alice } = world;
    const erin = await walk.must("erin, who keeps no backup", async () => {
        const person = await registerSecretive(world, "erin");
        await person.makeIdentity({ backup: false });
        return person;
    });
    const roomId = await walk.must("erin and alice in an encrypted room", async () => {
        const id = await alice.createEncryptedRoom({ invite: [erin.id] });
        await erin.client.joinRoom(id);
        await Promise.all([alice.ready(id, erin), erin.ready(id, alice)]);
        return id;
    });
    await walk.must("erin leaves a dehydrated device", async () => {
        assert.equal(await erin.crypto.isDehydrationSupported(), true);
        await erin.crypto.startDehydration();
    });
    await walk.must("erin signs out", async () => {
        erin.stop();
        await erin.client.logout();
    });
    const said = await walk.must("alice writes to nobody's device", async () => {
        await alice.crypto.forceDiscardSession(roomId);
        return alice.say(roomId, "are you there?");
    });
    await walk.must("a restart", () => world.restartServer?.());
    await walk.step("erin's next device reads it", async () => {
        const next = await loginSecretive(world, erin, "erin's next device");
        await next.identify(erin.recovery);
        const failed = new Promise((_, reject) => next.client.once(CryptoEvent.RehydrationError, (err) => reject(new Error(err))));
        await Promise.race([next.crypto.startDehydration(), failed]);
        assert.equal(await next.reads(roomId, said), "are you there?");
        next.stop();
    });
}
