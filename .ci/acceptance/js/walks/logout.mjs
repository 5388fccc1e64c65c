// The end: log out one device, then all of them.

import assert from "node:assert/strict";
import { login } from "../person.mjs";
import { refused } from "../walk.mjs";

export default async function logout(walk, world) {
    const { alice, bob, carol, phone } = world;
    [alice, bob, carol, phone].forEach((person) => person?.stop());

    await walk.step("logout ends that device and no other", async () => {
        await phone.client.logout();
        await refused(phone.client.whoami(), 401, "M_UNKNOWN_TOKEN");
        assert.equal((await alice.client.whoami()).user_id, alice.id);
        const { devices } = await alice.client.getDevices();
        assert.deepEqual(devices.map((d) => d.device_id), [alice.device]);
    });
    await walk.step("logout everywhere ends them all", async () => {
        const other = await login(world.baseUrl, bob, "bob's other device");
        await bob.request("POST", "/logout/all", { body: {} });
        await refused(other.client.whoami(), 401, "M_UNKNOWN_TOKEN");
        await refused(bob.client.whoami(), 401, "M_UNKNOWN_TOKEN");
    });
    await walk.step("and one can log in again", async () => {
        const again = await login(world.baseUrl, bob, "bob, again");
        assert.equal((await again.client.whoami()).user_id, bob.id);
        assert.ok((await again.client.getJoinedRooms()).joined_rooms.includes(world.kitchen));
    });
    await walk.step("a deactivated account is gone", async () => {
        const auth = { type: "m.login.password", identifier: { type: "m.id.user", user: carol.localpart }, password: carol.password };
        await carol.client.deactivateAccount(auth, false);
        await refused(carol.client.whoami(), 401, "M_UNKNOWN_TOKEN");
        await refused(login(world.baseUrl, carol, "ghost"), 403);
    });
}
