// A restart: everything that was there is found again, by those who were
// following as well as by those who come fresh.

import assert from "node:assert/strict";
import { login } from "../person.mjs";

export default async function restart(walk, world) {
    const { alice, bob, carol, phone, kitchen } = world;
    if (!world.restartServer) {
        console.log("# no --restart command was given: not walked");
        return;
    }
    const before = await walk.must("what there is before", async () => {
        const invited = await alice.createRoom({ name: "Later", invite: [carol.id] });
        await carol.inRoom(invited, "invite");
        const { next_batch: since } = await bob.sync();
        const last = await alice.say(kitchen, "the last before the restart");
        await bob.hears(kitchen, last);
        return { invited, since, last, rooms: await picture(alice) };
    });

    await walk.must("restart", () => world.restartServer());

    await walk.step("tokens are good still", async () => {
        assert.equal((await phone.client.whoami()).device_id, phone.device);
    });
    await walk.step("the same rooms, members, state and counts", async () => {
        assert.deepEqual(await picture(alice), before.rooms);
    });
    await walk.step("a sync token from before goes on where it was", async () => {
        const next = await alice.say(kitchen, "the first after the restart");
        const { rooms, next_batch: since } = await bob.sync({ since: before.since });
        const ids = rooms.join[kitchen].timeline.events.map((e) => e.event_id);
        assert.deepEqual(ids, [before.last, next]);
        const nothing = await bob.sync({ since });
        assert.equal(nothing.rooms?.join?.[kitchen]?.timeline?.events?.length ?? 0, 0);
    });
    await walk.step("clients that were following go on, without gap or double", async () => {
        bob.client.retryImmediately();
        const eventId = await alice.say(kitchen, "still there?");
        await bob.hears(kitchen, eventId);
        const ids = bob.room(kitchen).getLiveTimeline().getEvents().map((e) => e.getId());
        assert.equal(new Set(ids).size, ids.length);
        assert.deepEqual(ids.slice(-3, -2), [before.last]);
    });
    await walk.step("every word of a long room is there, once and in order", async () => {
        const { roomId, said } = world.long;
        const ids = (await bob.history(roomId, 25)).map((e) => e.event_id);
        assert.equal(new Set(ids).size, ids.length);
        assert.deepEqual(ids.filter((id) => said.includes(id)), said.toReversed());
    });
    await walk.step("a repeated transaction is still the same event", async () => {
        const path = `/rooms/${encodeURIComponent(kitchen)}/send/m.room.message/${world.name("txn")}`;
        const { event_id: eventId } = await alice.request("PUT", path, { body: { msgtype: "m.text", body: "only once" } });
        const { content } = await alice.client.fetchRoomEvent(kitchen, eventId);
        assert.equal(content.body, "only once");
        const bodies = (await alice.history(kitchen, 100)).filter((e) => e.sender === alice.id && e.content.body === "only once");
        assert.equal(bodies.length, 2, "alice's own and her phone's");
    });
    await walk.step("edits, redactions, reactions and threads are as they were", async () => {
        const edited = await bob.client.fetchRoomEvent(kitchen, world.edited);
        assert.equal(edited.unsigned["m.relations"]["m.replace"].content["m.new_content"].body, "spaghetti");
        assert.deepEqual((await bob.client.fetchRoomEvent(kitchen, world.redacted)).content, {});
        const { chunk } = await bob.client.fetchRelations(kitchen, world.hello, "m.annotation", "m.reaction");
        assert.equal(chunk.length, 1);
        const root = await bob.client.fetchRoomEvent(kitchen, world.thread);
        assert.equal(root.unsigned["m.relations"]["m.thread"].count, 2);
    });
    await walk.step("the picture has the same bytes", async () => {
        const got = await bob.media(world.pictureUri);
        assert.ok(got.bytes.equals(world.picture));
    });
    await walk.step("account data, tags, push rules and the read marker", async () => {
        assert.deepEqual(await alice.client.getAccountDataFromServer("org.example.colour"), { colour: "green" });
        assert.deepEqual((await alice.client.getRoomTags(kitchen)).tags, { "m.favourite": { order: 0.25 } });
        const rules = await alice.client.getPushRules();
        assert.ok(rules.global.content.some((rule) => rule.rule_id === world.keyword));
        const { rooms } = await alice.sync();
        assert.ok(rooms.join[world.attention].account_data.events.some((e) => e.type === "m.fully_read"));
    });
    await walk.step("receipts of others", async () => {
        const { rooms } = await alice.sync();
        const receipts = rooms.join[world.attention].ephemeral.events.filter((e) => e.type === "m.receipt");
        assert.ok(JSON.stringify(receipts).includes(bob.id));
    });
    await walk.step("alias and directory", async () => {
        assert.equal((await bob.client.getRoomIdForAlias(world.marketAlias)).room_id, world.market);
        const { chunk } = await bob.client.publicRooms({ limit: 10, filter: { generic_search_term: world.name("Market") } });
        assert.deepEqual(chunk.map((room) => room.room_id), [world.market]);
    });
    await walk.step("an open invitation can be accepted", async () => {
        await carol.client.joinRoom(before.invited);
        await carol.inRoom(before.invited);
        await carol.hears(before.invited, await alice.say(before.invited, "at last"));
    });
    await walk.step("a fresh login sees it all", async () => {
        const tablet = await login(world.baseUrl, alice, "alice's tablet");
        await tablet.follow();
        assert.equal(tablet.room(kitchen).name, "Kitchen");
        assert.equal(tablet.room(kitchen).getMember(alice.id).name, "Alice the Cook");
        await tablet.until("the last words", () => tablet.room(kitchen).findEventById(before.last));
        tablet.stop();
        await tablet.client.logout();
    });
}

/** What a person's full sync shows of every room, in a form that compares. */
async function picture(person) {
    const { rooms } = await person.sync({ filter: { room: { timeline: { limit: 1 } } }, full_state: true });
    const seen = {};
    for (const [roomId, room] of Object.entries(rooms.join)) {
        const state = new Map();
        for (const event of [...room.state.events, ...room.timeline.events]) {
            if (event.state_key !== undefined) {
                state.set(`${event.type} ${event.state_key}`, event.event_id);
            }
        }
        seen[roomId] = {
            state: Object.fromEntries([...state].sort()),
            last: room.timeline.events.at(-1)?.event_id,
            unread: room.unread_notifications,
            summary: room.summary,
        };
    }
    return Object.fromEntries(Object.entries(seen).sort());
}
