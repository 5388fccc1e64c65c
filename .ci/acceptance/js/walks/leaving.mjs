// Leaving: turn an invitation down, leave, forget, come back.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";

export default async function leaving(walk, world) {
    const { alice, bob } = world;
    const roomId = await walk.must("a room that bob is invited to", async () => {
        const id = await alice.createRoom({ name: "Garage", invite: [bob.id] });
        await bob.inRoom(id, "invite");
        return id;
    });
    await walk.step("an invitation is turned down", async () => {
        await bob.client.leave(roomId);
        await bob.inRoom(roomId, "leave");
        await alice.sees(roomId, bob.id, "leave");
    });
    await walk.step("a second one is accepted", async () => {
        await alice.client.invite(roomId, bob.id);
        await bob.inRoom(roomId, "invite");
        await bob.client.joinRoom(roomId);
        await bob.inRoom(roomId);
    });
    await walk.step("an invitation is taken back", async () => {
        const other = await alice.createRoom({ name: "Mistake", invite: [bob.id] });
        await bob.inRoom(other, "invite");
        await alice.client.kick(other, bob.id);
        await bob.inRoom(other, "leave");
    });
    const last = await walk.step("leave", async () => {
        const { next_batch: since } = await bob.sync();
        const before = await alice.say(roomId, "before you go");
        await bob.hears(roomId, before);
        await bob.client.leave(roomId);
        await alice.sees(roomId, bob.id, "leave");
        const after = await alice.say(roomId, "he is gone");
        const { rooms } = await bob.sync({ since });
        const ids = rooms.leave[roomId].timeline.events.map((e) => e.event_id);
        assert.ok(ids.includes(before) && !ids.includes(after), "up to the leaving and no further");
        return { before, after };
    });
    await walk.step("what was said before stays readable, what follows does not", async () => {
        const ids = (await bob.history(roomId)).map((e) => e.event_id);
        assert.ok(ids.includes(last.before) && !ids.includes(last.after));
        await refused(bob.client.sendTextMessage(roomId, "hello?"), 403, "M_FORBIDDEN");
    });
    await walk.step("a room left is told in a full sync only when asked for", async () => {
        const without = await bob.sync();
        assert.equal(without.rooms?.leave?.[roomId], undefined);
        const withLeft = await bob.sync({ filter: { room: { include_leave: true } } });
        assert.ok(withLeft.rooms.leave[roomId]);
    });
    await walk.step("a room must be left before it is forgotten", () =>
        refused(alice.request("POST", `/rooms/${encodeURIComponent(roomId)}/forget`, { body: {} }), 400),
    );
    await walk.step("forget", async () => {
        await bob.client.forget(roomId);
        const { rooms } = await bob.sync({ filter: { room: { include_leave: true } } });
        assert.ok(!(roomId in (rooms?.leave ?? {})));
        await refused(bob.client.createMessagesRequest(roomId, null, 10, "b"), 403, "M_FORBIDDEN");
    });
    await walk.step("come back", async () => {
        await alice.client.invite(roomId, bob.id);
        await bob.inRoom(roomId, "invite");
        await bob.client.joinRoom(roomId);
        await bob.inRoom(roomId);
        await bob.hears(roomId, await alice.say(roomId, "there you are"));
    });
}
