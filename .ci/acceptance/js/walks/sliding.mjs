// Sliding sync: a device that looks at a part of its list of rooms, with the
// library's own SlidingSync, and the form to come by bare requests.

import assert from "node:assert/strict";
import { SlidingSync } from "matrix-js-sdk/lib/sliding-sync.js";
import { login } from "../person.mjs";

const wanted = [
    ["*", "*"],
    ["m.room.member", "$ME"],
    ["m.room.member", "$LAZY"],
];

export default async function sliding(walk, world) {
    const { alice, bob, kitchen } = world;
    const tablet = await login(world.baseUrl, alice, "alice's tablet with a short list");
    const sliding = new SlidingSync(
        world.baseUrl,
        new Map([["all", { ranges: [[0, 1]], required_state: wanted, timeline_limit: 3, filters: {} }]]),
        { required_state: wanted, timeline_limit: 30 },
        tablet.client,
        20_000,
    );
    const mine = () => alice.client.getRooms().filter((room) => ["join", "invite"].includes(room.getMyMembership()));

    await walk.step("the server says that it can", async () => {
        assert.ok(await tablet.client.doesServerSupportUnstableFeature("org.matrix.simplified_msc3575"));
    });
    await walk.must("the first rooms come, the liveliest first", async () => {
        await alice.say(kitchen, "who is up?");
        await tablet.client.startClient({ slidingSync: sliding, threadSupport: true });
        await tablet.until("the first answer", () => tablet.client.isInitialSyncComplete() && tablet.room(kitchen));
        assert.equal(tablet.client.getRooms().length, 2);
    });
    await walk.step("the others come as the list grows", async () => {
        const { joinedCount } = sliding.getListData("all");
        assert.ok(joinedCount >= mine().length, `${joinedCount} rooms in the list, ${mine().length} known otherwise`);
        sliding.setListRanges("all", [[0, joinedCount]]);
        await tablet.until("all rooms", () => mine().every((room) => tablet.room(room.roomId)));
    });
    await walk.step("a room looks the same as by the long poll", async () => {
        const [there, here] = [alice.room(kitchen), tablet.room(kitchen)];
        assert.equal(here.name, there.name);
        assert.equal(here.getJoinedMemberCount(), there.getJoinedMemberCount());
        const state = (room) =>
            [...room.currentState.events].flatMap(([type, byKey]) =>
                type === "m.room.member" ? [] : [...byKey].map(([key, event]) => `${type} ${key} ${event.getId()}`),
            );
        assert.deepEqual(state(here).sort(), state(there).sort());
    });
    await walk.step("what is said arrives, and who said it is known", async () => {
        const event = await tablet.hears(kitchen, await bob.say(kitchen, "hello, tablet"));
        assert.equal(event.sender.name, alice.room(kitchen).getMember(bob.id).name);
    });
    await walk.step("an open room brings more of its history", async () => {
        const events = () => tablet.room(kitchen).getLiveTimeline().getEvents();
        const before = events().length;
        sliding.modifyRoomSubscriptions(new Set([kitchen]));
        await tablet.until("older messages", () => events().length >= before + 10);
        const ids = events().map((event) => event.getId());
        assert.equal(new Set(ids).size, ids.length, "each once");
    });
    await walk.step("typing", async () => {
        await bob.client.sendTyping(kitchen, true, 10_000);
        await tablet.until("bob types", () => tablet.room(kitchen).getMember(bob.id)?.typing);
        await bob.client.sendTyping(kitchen, false, 0);
        await tablet.until("bob does not type", () => !tablet.room(kitchen).getMember(bob.id).typing);
    });
    await walk.step("receipts, and counts that fall when another device reads", async () => {
        const last = await bob.say(kitchen, "read me");
        await tablet.hears(kitchen, last);
        await tablet.until("an unread message", () => tablet.room(kitchen).getRoomUnreadNotificationCount() > 0);
        await alice.hears(kitchen, last);
        await alice.client.sendReadReceipt(alice.room(kitchen).findEventById(last));
        await tablet.until("nothing unread", () => tablet.room(kitchen).getRoomUnreadNotificationCount() === 0);
        await tablet.until("the receipt", () => tablet.room(kitchen).getEventReadUpTo(alice.id) === last);
    });
    await walk.step("account data and tags", async () => {
        await alice.client.setAccountDataRaw("org.example.slide", { n: 1 });
        await tablet.until("the account data", () => tablet.client.getAccountData("org.example.slide")?.getContent().n === 1);
        await alice.client.setRoomTag(kitchen, "u.slide", {});
        await tablet.until("the tag", () => tablet.room(kitchen).tags["u.slide"]);
        await alice.client.deleteRoomTag(kitchen, "u.slide");
        await tablet.until("no tag", () => !tablet.room(kitchen).tags["u.slide"]);
    });
    await walk.step("a message to the device", async () => {
        let heard;
        tablet.client.on("toDeviceEvent", (event) => {
            heard = event.getType() === "org.example.hint" ? event : heard;
        });
        const content = new Map([[alice.id, new Map([[tablet.device, { hint: "left drawer" }]])]]);
        await bob.client.sendToDevice("org.example.hint", content);
        await tablet.until("the hint", () => heard?.getContent().hint === "left drawer");
    });
    await walk.step("an invitation, accepted", async () => {
        const pantry = await bob.createRoom({ name: "Pantry", invite: [alice.id] });
        await tablet.inRoom(pantry, "invite");
        await tablet.client.joinRoom(pantry);
        await tablet.inRoom(pantry, "join");
        assert.equal(tablet.room(pantry).name, "Pantry");
        await alice.client.leave(pantry);
    });
    await walk.step("a server that starts again", async () => {
        if (!world.restartServer) {
            return;
        }
        await world.restartServer();
        for (const person of [alice, bob]) {
            person.client.retryImmediately();
        }
        const after = await bob.say(kitchen, "still sliding?");
        await tablet.hears(kitchen, after);
    });
    await walk.step("the form to come", async () => {
        const ask = (body) => tablet.request("POST", "/sync", { prefix: "/_matrix/client/v4", body });
        const everything = { range: [0, 0], timeline_limit: 2, required_state: { include: [{ type: "m.room.create" }], lazy_members: true } };
        const last = await bob.say(kitchen, "and in v4?");
        const first = await ask({ conn_id: "v4", lists: { all: everything } });
        assert.ok(first.lists.all.count >= mine().length);
        assert.deepEqual(Object.keys(first.rooms), [kitchen]);
        const room = first.rooms[kitchen];
        assert.equal(room.timeline.at(-1).event_id, last);
        assert.equal(room.membership, "join");
        assert.deepEqual(room.lists, ["all"]);
        assert.ok(room.required_state.some((event) => event.type === "m.room.member" && event.state_key === bob.id));
        const next = ask({ conn_id: "v4", lists: { all: everything }, pos: first.pos, timeout: 20_000 });
        const news = await bob.say(kitchen, "yes");
        const { rooms } = await next;
        assert.deepEqual(rooms[kitchen].timeline.map((event) => event.event_id), [news]);
    });
    tablet.stop();
    sliding.stop();
    await tablet.client.logout();
}
