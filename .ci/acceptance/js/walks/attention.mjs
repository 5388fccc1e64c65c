// Attention: receipts, read markers, typing, unread counts, push rules.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";

export default async function attention(walk, world) {
    const { alice, bob, phone } = world;
    const roomId = await walk.must("two people in a room", async () => {
        const id = await alice.createRoom({ name: "Attention", invite: [bob.id] });
        await bob.inRoom(id, "invite");
        await bob.client.joinRoom(id);
        await Promise.all([bob.inRoom(id), alice.sees(id, bob.id, "join")]);
        return id;
    });
    world.attention = roomId;

    await receipts(walk, world, roomId);
    await typing(walk, world, roomId);
    await counts(walk, world, roomId);
    await rules(walk, world, roomId, phone);
}

async function receipts(walk, world, roomId) {
    const { alice, bob, phone } = world;
    await walk.step("a read receipt is seen by the other one", async () => {
        const event = await bob.hears(roomId, await alice.say(roomId, "read this"));
        await bob.client.sendReadReceipt(event);
        await alice.until("bob's receipt", () => alice.room(roomId).getEventReadUpTo(bob.id, true) === event.getId());
    });
    await walk.step("a private receipt is seen by nobody else", async () => {
        const event = await bob.hears(roomId, await alice.say(roomId, "read this in private"));
        await bob.client.sendReadReceipt(event, "m.read.private");
        const seenBy = async (person) => {
            const { rooms } = await person.sync();
            return JSON.stringify(rooms.join[roomId].ephemeral.events);
        };
        assert.ok((await seenBy(bob)).includes(event.getId()), "bob's own sync has it");
        assert.ok(!(await seenBy(alice)).includes(event.getId()), "alice's sync has it not");
    });
    await walk.step("the read marker reaches one's other device", async () => {
        const event = await alice.hears(roomId, await bob.say(roomId, "mark here"));
        await alice.client.setRoomReadMarkersHttpRequest(roomId, event.getId(), event.getId());
        const { rooms } = await phone.sync();
        const marker = rooms.join[roomId].account_data.events.find((e) => e.type === "m.fully_read");
        assert.equal(marker.content.event_id, event.getId());
    });
    await walk.step("a threaded receipt names its thread", async () => {
        const rootId = await alice.say(roomId, "a thread");
        await bob.hears(roomId, rootId);
        await bob.request("POST", `/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(rootId)}`, { body: { thread_id: "main" } });
        const { rooms } = await alice.sync();
        const [receipt] = rooms.join[roomId].ephemeral.events.filter((e) => e.type === "m.receipt");
        assert.equal(receipt.content[rootId]["m.read"][bob.id].thread_id, "main");
    });
}

async function typing(walk, world, roomId) {
    const { alice, bob } = world;
    await walk.step("typing is seen, and its end", async () => {
        const isTyping = () => bob.room(roomId).getMember(alice.id).typing;
        await alice.client.sendTyping(roomId, true, 30_000);
        await bob.until("alice typing", isTyping);
        await alice.client.sendTyping(roomId, false, 0);
        await bob.until("alice not typing", () => !isTyping());
    });
    await walk.step("typing ends by itself", async () => {
        await alice.client.sendTyping(roomId, true, 1_000);
        await bob.until("alice typing", () => bob.room(roomId).getMember(alice.id).typing);
        await bob.until("alice not typing any more", () => !bob.room(roomId).getMember(alice.id).typing);
    });
}

/** The unread counts of a room as the server tells them. */
async function unread(person, roomId) {
    const { rooms } = await person.sync();
    const { notification_count: total, highlight_count: highlight } = rooms.join[roomId].unread_notifications;
    return { total, highlight };
}

async function counts(walk, world, roomId) {
    const { alice, bob } = world;
    await walk.step("unread messages are counted", async () => {
        const event = await bob.hears(roomId, await alice.say(roomId, "zero"));
        await bob.client.sendReadReceipt(event);
        assert.deepEqual(await unread(bob, roomId), { total: 0, highlight: 0 });
        await alice.say(roomId, "one");
        await alice.say(roomId, "two");
        assert.deepEqual(await unread(bob, roomId), { total: 2, highlight: 0 });
        await bob.until("the count in the client", () => bob.room(roomId).getRoomUnreadNotificationCount("total") === 2);
    });
    await walk.step("a mention is a highlight", async () => {
        const { event_id: eventId } = await alice.client.sendMessage(roomId, {
            "msgtype": "m.text",
            "body": "you there?",
            "m.mentions": { user_ids: [bob.id] },
        });
        await bob.hears(roomId, eventId);
        assert.deepEqual(await unread(bob, roomId), { total: 3, highlight: 1 });
    });
    await walk.step("one's own messages and reactions count nothing", async () => {
        await alice.client.sendEvent(roomId, "m.reaction", {
            "m.relates_to": { rel_type: "m.annotation", event_id: await alice.say(roomId, "four"), key: "x" },
        });
        assert.deepEqual(await unread(bob, roomId), { total: 4, highlight: 1 });
        assert.deepEqual(await unread(alice, roomId), { total: 0, highlight: 0 });
    });
    await walk.step("reading clears the counts", async () => {
        const event = await bob.hears(roomId, await alice.say(roomId, "five"));
        await bob.client.sendReadReceipt(event);
        assert.deepEqual(await unread(bob, roomId), { total: 0, highlight: 0 });
        await bob.until("the count in the client", () => bob.room(roomId).getRoomUnreadNotificationCount("total") === 0);
    });
    await walk.step("threads are counted on their own when asked for", async () => {
        const rootId = await alice.say(roomId, "another thread");
        const root = await bob.hears(roomId, rootId);
        await bob.client.sendReadReceipt(root, "m.read", true);
        await alice.sayInThread(roomId, rootId, "in the thread");
        const filter = { room: { timeline: { limit: 50, unread_thread_notifications: true } } };
        const { rooms } = await bob.sync({ filter });
        const room = rooms.join[roomId];
        assert.equal(room.unread_notifications.notification_count, 0);
        assert.deepEqual(room.unread_thread_notifications[rootId], { notification_count: 1, highlight_count: 0 });
    });
}

async function rules(walk, world, roomId, phone) {
    const { alice, bob } = world;
    await walk.step("the default push rules are there", async () => {
        const rules = await alice.client.getPushRules();
        const ids = Object.values(rules.global).flat().map((rule) => rule.rule_id);
        for (const id of [".m.rule.master", ".m.rule.message", ".m.rule.is_user_mention", ".m.rule.room_one_to_one", ".m.rule.reaction"]) {
            assert.ok(ids.includes(id), id);
        }
    });
    await walk.step("a keyword makes a highlight", async () => {
        await bob.client.addPushRule("global", "content", "dinner", { pattern: "dinner", actions: ["notify", { set_tweak: "highlight" }] });
        const before = await unread(bob, roomId);
        await alice.say(roomId, "time for DINNER everybody");
        const after = await unread(bob, roomId);
        assert.equal(after.highlight, before.highlight + 1);
        await bob.client.deletePushRule("global", "content", "dinner");
        await refused(bob.request("GET", "/pushrules/global/content/dinner"), 404, "M_NOT_FOUND");
    });
    await walk.step("a muted room counts nothing", async () => {
        await bob.client.addPushRule("global", "override", roomId, {
            conditions: [{ kind: "event_match", key: "room_id", pattern: roomId }],
            actions: [],
        });
        const before = await unread(bob, roomId);
        await alice.say(roomId, "into the void");
        assert.deepEqual(await unread(bob, roomId), before);
        await bob.client.setPushRuleEnabled("global", "override", roomId, false);
        await alice.say(roomId, "and back");
        assert.equal((await unread(bob, roomId)).total, before.total + 1);
    });
    await walk.step("push rules reach one's other device", async () => {
        await alice.client.addPushRule("global", "content", "cake", { pattern: "cake", actions: ["notify"] });
        const { account_data: data } = await phone.sync();
        const rules = data.events.find((e) => e.type === "m.push_rules").content;
        assert.ok(rules.global.content.some((rule) => rule.rule_id === "cake"));
        world.keyword = "cake"; // looked for again after the restart
    });
    await walk.step("a pusher is set, listed and removed", async () => {
        const pusher = {
            kind: "http",
            app_id: "org.example.app",
            pushkey: world.name("key"),
            app_display_name: "App",
            device_display_name: "Device",
            lang: "en",
            data: { url: "https://push.example.org/_matrix/push/v1/notify", format: "event_id_only" },
        };
        await alice.client.setPusher(pusher);
        const { pushers } = await alice.client.getPushers();
        assert.deepEqual(pushers.map((p) => p.pushkey), [pusher.pushkey]);
        await alice.client.removePusher(pusher.pushkey, pusher.app_id);
        assert.deepEqual((await alice.client.getPushers()).pushers, []);
    });
}
