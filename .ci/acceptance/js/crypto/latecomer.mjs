// Under "joined" visibility a latecomer learns nothing of what was said before.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";

export default async function latecomer(walk, world) {
    const { alice, bob, carol } = world;
    const roomId = await walk.must("a room for those who are in it", async () => {
        const id = await alice.createEncryptedRoom({ visibility: "joined", invite: [bob.id] });
        await bob.client.joinRoom(id);
        await Promise.all([alice.ready(id, bob), bob.ready(id, alice)]);
        return id;
    });
    const before = await walk.must("something is said", async () => {
        const eventId = await alice.say(roomId, "before carol");
        await bob.reads(roomId, eventId);
        return eventId;
    });
    await walk.must("carol comes", async () => {
        await alice.client.invite(roomId, carol.id);
        await carol.inRoom(roomId, "invite");
        await carol.client.joinRoom(roomId);
        await Promise.all([alice, bob, carol].map((p) => p.ready(roomId, carol)));
    });
    await walk.step("she reads what is said now", async () => {
        const eventId = await alice.say(roomId, "welcome, carol");
        assert.equal(await carol.reads(roomId, eventId), "welcome, carol");
        const answer = await carol.say(roomId, "thank you");
        assert.equal(await bob.reads(roomId, answer), "thank you");
    });
    await walk.step("she does not get what was said before, not even encrypted", async () => {
        const seen = (await carol.history(roomId)).map((e) => e.event_id);
        assert.ok(!seen.includes(before));
        await refused(carol.client.fetchRoomEvent(roomId, before), 404, "M_NOT_FOUND");
        await refused(carol.client.http.authedRequest("GET", `/rooms/${encodeURIComponent(roomId)}/context/${encodeURIComponent(before)}`), 404);
    });
}
