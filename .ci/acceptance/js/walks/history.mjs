// History: back to the start page by page, gaps, context, permanent links.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { login } from "../person.mjs";

const many = 60;

export default async function history(walk, world) {
    const { alice, bob } = world;
    const said = [];
    const roomId = await walk.must(`a room with ${many} messages`, async () => {
        const id = await alice.createRoom({ name: "Long", invite: [bob.id] });
        await bob.client.joinRoom(id);
        await bob.inRoom(id);
        for (let i = 0; i < many; i++) {
            said.push(await (i % 2 ? bob : alice).say(id, `number ${i}`));
        }
        return id;
    });
    world.long = { roomId, said };
    const only = (ids) => ids.filter((id) => said.includes(id));

    await walk.step("pages of any size tell the same story", async () => {
        const byTen = (await alice.history(roomId, 10)).map((e) => e.event_id);
        const bySeven = (await alice.history(roomId, 7)).map((e) => e.event_id);
        assert.deepEqual(byTen, bySeven);
        assert.deepEqual(only(byTen), said.toReversed());
        assert.equal(new Set(byTen).size, byTen.length, "nothing twice");
        const first = (await alice.history(roomId)).at(-1);
        assert.equal(first.type, "m.room.create");
    });
    await walk.step("forwards from the start as well", async () => {
        const ids = [];
        let from;
        for (let page = 0; page < 50; page++) {
            const query = { dir: "f", limit: 9, ...(from ? { from } : {}) };
            const answer = await alice.request("GET", `/rooms/${encodeURIComponent(roomId)}/messages`, { query });
            ids.push(...answer.chunk.map((e) => e.event_id));
            if (!answer.end || answer.chunk.length === 0) {
                break;
            }
            from = answer.end;
        }
        assert.deepEqual(only(ids), said);
    });

    const fresh = await walk.must("a new device begins with the last few", async () => {
        const person = await login(world.baseUrl, bob, "bob's new device");
        await person.follow({ initialSyncLimit: 5 });
        const timeline = person.room(roomId).getLiveTimeline();
        assert.deepEqual(only(timeline.getEvents().map((e) => e.getId())), said.slice(-5));
        return person;
    });
    await walk.step("and scrolls back to the start", async () => {
        const timeline = fresh.room(roomId).getLiveTimeline();
        while (await fresh.client.paginateEventTimeline(timeline, { backwards: true, limit: 13 })) {
            assert.ok(timeline.getEvents().length < 500, "no end of the room");
        }
        const events = timeline.getEvents();
        assert.equal(events[0].getType(), "m.room.create");
        assert.deepEqual(only(events.map((e) => e.getId())), said);
    });
    await walk.step("a link into the middle opens there", async () => {
        const set = fresh.client.getRoom(roomId).getUnfilteredTimelineSet();
        set.resetLiveTimeline();
        const middle = said[many / 2];
        const timeline = await fresh.client.getEventTimeline(set, middle);
        await fresh.client.paginateEventTimeline(timeline, { backwards: true, limit: 5 });
        await fresh.client.paginateEventTimeline(timeline, { backwards: false, limit: 5 });
        const ids = only(timeline.getEvents().map((e) => e.getId()));
        const at = ids.indexOf(middle);
        assert.ok(at >= 5 && at < ids.length - 5, `at ${at} of ${ids.length}`);
        assert.deepEqual(ids, said.slice(many / 2 - at, many / 2 - at + ids.length));
    });
    await walk.step("after a gap, sync and pages fit together", async () => {
        fresh.stop();
        const filter = { room: { rooms: [roomId], timeline: { limit: 3 } } };
        const { next_batch: since } = await fresh.sync({ filter });
        const missed = [];
        for (let i = 0; i < 12; i++) {
            missed.push(await alice.say(roomId, `missed ${i}`));
        }
        const { rooms } = await fresh.sync({ since, filter });
        const { timeline } = rooms.join[roomId];
        assert.equal(timeline.limited, true);
        const ids = timeline.events.map((e) => e.event_id);
        const before = await fresh.client.createMessagesRequest(roomId, timeline.prev_batch, 20, sdk.Direction.Backward);
        const joined = [...before.chunk.map((e) => e.event_id).toReversed(), ...ids];
        assert.deepEqual(joined.filter((id) => missed.includes(id)), missed);
        said.push(...missed);
    });
    await walk.step("the event nearest to a time is found", async () => {
        const { origin_server_ts: ts } = await alice.client.fetchRoomEvent(roomId, said[10]);
        const found = await alice.client.timestampToEvent(roomId, ts, sdk.Direction.Forward);
        assert.ok(Math.abs(found.origin_server_ts - ts) < 1000);
    });
    await walk.step("words are found again", async () => {
        const found = await alice.client.search({
            body: { search_categories: { room_events: { search_term: "number", filter: { rooms: [roomId], limit: 100 }, order_by: "recent" } } },
        });
        assert.equal(found.search_categories.room_events.count, many);
    });
    await walk.step("the members are listed", async () => {
        const { chunk } = await alice.client.members(roomId, "join");
        assert.deepEqual(chunk.map((e) => e.state_key).sort(), [alice.id, bob.id].sort());
    });
    await walk.must("log the new device out", () => fresh.client.logout());
}
