// Finding rooms and people: aliases, the public directory, spaces, users.

import assert from "node:assert/strict";
import { guest } from "../person.mjs";
import { refused } from "../walk.mjs";

export default async function directory(walk, world) {
    const { alice, bob } = world;
    const server = alice.id.slice(alice.id.indexOf(":"));
    const alias = `#${world.name("market")}${server}`;
    const roomId = await walk.must("create a public room with an alias", async () => {
        const id = await alice.createRoom({
            preset: "public_chat",
            visibility: "public",
            name: world.name("Market"),
            topic: "Everything fresh",
            room_alias_name: world.name("market"),
        });
        await alice.inRoom(id);
        return id;
    });
    Object.assign(world, { market: roomId, marketAlias: alias });

    await aliases(walk, world, roomId, server);
    await walk.step("the directory lists it, with what one wants to know", async () => {
        const { chunk } = await bob.client.publicRooms({ limit: 10, filter: { generic_search_term: world.name("Market") } });
        const [found] = chunk;
        assert.equal(chunk.length, 1);
        assert.deepEqual(
            [found.room_id, found.canonical_alias, found.topic, found.join_rule ?? "public", found.num_joined_members],
            [roomId, alias, "Everything fresh", "public", 1],
        );
    });
    await walk.step("the directory goes page by page", async () => {
        await alice.createRoom({ visibility: "public", preset: "public_chat", name: world.name("Second") });
        const seen = [];
        let since;
        do {
            const page = await bob.client.publicRooms({ limit: 1, since });
            seen.push(...page.chunk.map((room) => room.room_id));
            since = page.next_batch;
        } while (since && seen.length < 100);
        assert.equal(new Set(seen).size, seen.length, "no room twice");
        assert.ok(seen.includes(roomId));
    });
    await walk.step("an unlisted room is not found there", async () => {
        const other = await alice.createRoom({ preset: "public_chat", name: world.name("Unlisted") });
        const search = () => bob.client.publicRooms({ limit: 10, filter: { generic_search_term: world.name("Unlisted") } });
        assert.deepEqual((await search()).chunk, []);
        await alice.client.setRoomDirectoryVisibility(other, "public");
        assert.equal((await search()).chunk.length, 1);
        await alice.client.setRoomDirectoryVisibility(other, "private");
        assert.deepEqual((await search()).chunk, []);
    });
    await walk.step("join by alias", async () => {
        await bob.client.joinRoom(alias);
        await bob.inRoom(roomId);
    });
    await walk.step("a space lists its rooms", async () => {
        const space = await alice.createRoom({ preset: "public_chat", creation_content: { type: "m.space" }, name: "Town" });
        await alice.client.sendStateEvent(space, "m.space.child", { via: [server.slice(1)] }, roomId);
        const { rooms } = await alice.client.getRoomHierarchy(space, 10);
        assert.deepEqual(rooms.map((room) => room.room_id), [space, roomId]);
        assert.equal(rooms[0].room_type, "m.space");
    });
    await walk.step("people are found by name", async () => {
        const { results } = await bob.client.searchUserDirectory({ term: alice.localpart, limit: 5 });
        assert.ok(results.some((user) => user.user_id === alice.id), JSON.stringify(results));
    });
}

async function aliases(walk, world, roomId, server) {
    const { alice, bob, marketAlias: alias } = world;
    await walk.step("an alias resolves, for anyone", async () => {
        const found = await guest(world.baseUrl).getRoomIdForAlias(alias);
        assert.equal(found.room_id, roomId);
        assert.ok(found.servers.includes(server.slice(1)));
        await alice.until("the alias in the room", () => alice.room(roomId).getCanonicalAlias() === alias);
    });
    await walk.step("a second alias is added, taken names are refused", async () => {
        const second = `#${world.name("bazaar")}${server}`;
        await alice.client.createAlias(second, roomId);
        assert.deepEqual((await alice.client.getLocalAliases(roomId)).aliases.sort(), [alias, second].sort());
        await refused(alice.client.createAlias(second, roomId), 409, "M_UNKNOWN");
        await refused(alice.createRoom({ room_alias_name: world.name("bazaar") }), 400, "M_ROOM_IN_USE");
    });
    await walk.step("an alias is deleted by its owner only", async () => {
        const second = `#${world.name("bazaar")}${server}`;
        await refused(bob.client.deleteAlias(second), 403, "M_FORBIDDEN");
        await alice.client.deleteAlias(second);
        await refused(bob.client.getRoomIdForAlias(second), 404, "M_NOT_FOUND");
    });
    await walk.step("a canonical alias must exist", () =>
        refused(
            alice.client.sendStateEvent(roomId, "m.room.canonical_alias", { alias: `#${world.name("nowhere")}${server}` }, ""),
            400,
            "M_BAD_ALIAS",
        ),
    );
}
