// Settings: account data, tags, profile changes as others see them, filters.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";

export default async function settings(walk, world) {
    const { alice, bob, phone, kitchen } = world;

    await walk.step("account data is stored and reaches the other device", async () => {
        await alice.client.setAccountDataRaw("org.example.colour", { colour: "green" });
        assert.deepEqual(await phone.client.getAccountDataFromServer("org.example.colour"), { colour: "green" });
        const { account_data: data } = await phone.sync();
        assert.deepEqual(data.events.find((e) => e.type === "org.example.colour").content, { colour: "green" });
    });
    await walk.step("one's account data is one's own", async () => {
        const path = `/user/${encodeURIComponent(alice.id)}/account_data/org.example.colour`;
        await refused(bob.request("GET", path), 403, "M_FORBIDDEN");
        await refused(bob.request("PUT", path, { body: { colour: "red" } }), 403, "M_FORBIDDEN");
    });
    await walk.step("account data of a room", async () => {
        await alice.client.setRoomAccountData(kitchen, "org.example.note", { note: "buy salt" });
        await alice.until("the note", () => alice.room(kitchen).getAccountData("org.example.note")?.getContent().note === "buy salt");
        const { rooms } = await bob.sync();
        assert.ok(!JSON.stringify(rooms.join[kitchen].account_data ?? {}).includes("buy salt"), "nobody else's");
    });
    await walk.step("tags are set, synced and removed", async () => {
        await alice.client.setRoomTag(kitchen, "m.favourite", { order: 0.25 });
        await alice.client.setRoomTag(kitchen, "u.old", {});
        await alice.until("both tags", () => Object.keys(alice.room(kitchen).tags).length === 2);
        await alice.client.deleteRoomTag(kitchen, "u.old");
        await alice.until("one tag", () => Object.keys(alice.room(kitchen).tags).join() === "m.favourite");
        assert.deepEqual((await phone.client.getRoomTags(kitchen)).tags, { "m.favourite": { order: 0.25 } });
    });
    await walk.step("a changed name is seen by those in the same room", async () => {
        await alice.client.setDisplayName("Alice the Cook");
        await bob.until("the new name", () => bob.room(kitchen).getMember(alice.id).name === "Alice the Cook");
    });
    await walk.step("a stored filter is found again", async () => {
        const { filter_id: filterId } = await alice.request("POST", `/user/${encodeURIComponent(alice.id)}/filter`, {
            body: { room: { timeline: { limit: 7 } } },
        });
        const stored = await alice.request("GET", `/user/${encodeURIComponent(alice.id)}/filter/${filterId}`);
        assert.equal(stored.room.timeline.limit, 7);
        const answer = await alice.request("GET", "/sync", { query: { filter: filterId, timeout: 0 } });
        assert.equal(answer.rooms.join[kitchen].timeline.events.length, 7);
        assert.equal(answer.rooms.join[kitchen].timeline.limited, true);
    });
    await walk.step("ignoring somebody hides what he says", async () => {
        await bob.client.setIgnoredUsers([alice.id]);
        const { next_batch: since } = await bob.sync();
        const eventId = await alice.say(kitchen, "can you hear me?");
        const { rooms } = await bob.sync({ since });
        const events = rooms?.join?.[kitchen]?.timeline?.events ?? [];
        assert.ok(!events.some((e) => e.event_id === eventId));
        await bob.client.setIgnoredUsers([]);
    });
    await walk.step("presence is told to those who share a room", async () => {
        await alice.client.setPresence({ presence: "online", status_msg: "cooking" });
        await bob.until("alice's status", () => bob.client.getUser(alice.id)?.presenceStatusMsg === "cooking");
    });
}
