// A device is removed: others hear of it and encrypt for it no more.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";

export default async function devices(walk, world) {
    const { alice, bob, phone, tablet, room } = world;

    await walk.step("bob knows all of alice's devices", () => bob.knowsDevices(alice.id, [alice.device, phone.device, tablet.device]));
    await walk.must("alice removes her phone", async () => {
        phone.stop();
        await alice.withPassword((auth) => alice.client.deleteDevice(phone.device, auth ?? undefined));
        await refused(phone.client.whoami(), 401, "M_UNKNOWN_TOKEN");
    });
    await walk.step("bob is told, and knows it no more", async () => {
        await bob.knowsDevices(alice.id, [alice.device, tablet.device]);
    });
    await walk.step("nothing is left of its keys", async () => {
        const { device_keys: keys } = await bob.request("POST", "/keys/query", { body: { device_keys: { [alice.id]: [] } } });
        assert.deepEqual(Object.keys(keys[alice.id]).sort(), [alice.device, tablet.device].sort());
        const claim = { one_time_keys: { [alice.id]: { [phone.device]: "signed_curve25519" } } };
        const { one_time_keys: claimed } = await bob.request("POST", "/keys/claim", { body: claim });
        assert.deepEqual(claimed, {});
    });
    await walk.step("the others talk on", async () => {
        const said = await bob.say(room, "only for those who are left");
        assert.equal(await alice.reads(room, said), "only for those who are left");
        assert.equal(await tablet.reads(room, said), "only for those who are left");
        world.said[said] = "only for those who are left";
    });
}
