// Moderation: power levels, kick, ban, unban, knock, who may see what.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";

export default async function moderation(walk, world) {
    const { alice, bob, carol } = world;
    await walk.must("carol follows too", () => carol.follow());
    const roomId = await walk.must("three people in a public room", async () => {
        const id = await alice.createRoom({ name: "Club", preset: "public_chat" });
        await alice.inRoom(id);
        for (const person of [bob, carol]) {
            await person.client.joinRoom(id);
            await Promise.all([person.inRoom(id), alice.sees(id, person.id, "join")]);
        }
        await bob.sees(id, carol.id, "join");
        return id;
    });
    await powers(walk, world, roomId);
    await removals(walk, world, roomId);
    await knocking(walk, world);
    await restricted(walk, world);
    await visibility(walk, world);
    await upgrade(walk, world);
}

async function powers(walk, world, roomId) {
    const { alice, bob, carol } = world;
    await walk.step("a member without power is refused", async () => {
        await refused(bob.client.setRoomName(roomId, "Mine"), 403, "M_FORBIDDEN");
        await refused(bob.client.kick(roomId, carol.id), 403, "M_FORBIDDEN");
        await refused(bob.client.ban(roomId, carol.id), 403, "M_FORBIDDEN");
        await refused(bob.request("PUT", `/rooms/${encodeURIComponent(roomId)}/state/m.room.power_levels`, { body: { users: { [bob.id]: 100 } } }), 403, "M_FORBIDDEN");
    });
    await walk.step("a moderator is made, and everybody sees it", async () => {
        await alice.client.setPowerLevel(roomId, bob.id, 50);
        await carol.until("bob's power", () => carol.room(roomId).getMember(bob.id).powerLevel === 50);
        await bob.until("his own power", () => bob.room(roomId).getMember(bob.id).powerLevel === 50);
    });
    await walk.step("the moderator may now, within limits", async () => {
        await bob.client.setRoomName(roomId, "The Club");
        await carol.until("the new name", () => carol.room(roomId).name === "The Club");
        await refused(bob.client.setPowerLevel(roomId, bob.id, 60), 403, "M_FORBIDDEN");
        await refused(bob.client.kick(roomId, alice.id), 403, "M_FORBIDDEN");
    });
}

async function removals(walk, world, roomId) {
    const { alice, bob, carol } = world;
    await walk.step("kicked: told why, out, and may come back", async () => {
        await bob.client.kick(roomId, carol.id, "too loud");
        await carol.inRoom(roomId, "leave");
        await alice.sees(roomId, carol.id, "leave");
        const member = carol.room(roomId).currentState.getStateEvents("m.room.member", carol.id);
        assert.equal(member.getContent().reason, "too loud");
        assert.equal(member.getSender(), bob.id);
        await refused(carol.request("PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${world.name("kicked")}`, { body: { msgtype: "m.text", body: "!" } }), 403, "M_FORBIDDEN");
        await carol.client.joinRoom(roomId);
        await carol.inRoom(roomId);
    });
    await walk.step("banned: out, cannot join, cannot be invited", async () => {
        await bob.client.ban(roomId, carol.id, "still too loud");
        await carol.inRoom(roomId, "ban");
        await alice.sees(roomId, carol.id, "ban");
        await refused(carol.client.joinRoom(roomId), 403);
        await refused(alice.client.invite(roomId, carol.id), 403);
    });
    await walk.step("what is said meanwhile stays hidden", async () => {
        world.unheard = await alice.say(roomId, "carol cannot hear this");
        await refused(carol.client.fetchRoomEvent(roomId, world.unheard), 404, "M_NOT_FOUND");
    });
    await walk.step("unbanned: may join again", async () => {
        await bob.client.unban(roomId, carol.id);
        await alice.sees(roomId, carol.id, "leave");
        await carol.client.joinRoom(roomId);
        await carol.inRoom(roomId);
        await carol.hears(roomId, await alice.say(roomId, "welcome back"));
    });
}

async function knocking(walk, world) {
    const { alice, bob } = world;
    const roomId = await walk.step("a room to knock at", () =>
        alice.createRoom({
            name: "Door",
            initial_state: [{ type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } }],
        }),
    );
    await walk.step("a knock is heard", async () => {
        await refused(bob.client.joinRoom(roomId), 403, "M_FORBIDDEN");
        await bob.client.knockRoom(roomId, { reason: "let me in" });
        await bob.inRoom(roomId, "knock");
        await alice.sees(roomId, bob.id, "knock");
        const knock = alice.room(roomId).currentState.getStateEvents("m.room.member", bob.id);
        assert.equal(knock.getContent().reason, "let me in");
    });
    await walk.step("the answer is an invitation", async () => {
        await alice.client.invite(roomId, bob.id);
        await bob.inRoom(roomId, "invite");
        await bob.client.joinRoom(roomId);
        await bob.inRoom(roomId);
    });
    await walk.step("a knock is turned down", async () => {
        await bob.client.leave(roomId);
        await alice.sees(roomId, bob.id, "leave");
        await bob.client.knockRoom(roomId);
        await alice.sees(roomId, bob.id, "knock");
        await alice.client.kick(roomId, bob.id);
        await bob.inRoom(roomId, "leave");
    });
}

async function restricted(walk, world) {
    const { alice, bob, carol } = world;
    await walk.step("a restricted room lets in the members of another one", async () => {
        const club = await alice.createRoom({ name: "Members", invite: [bob.id] });
        await bob.client.joinRoom(club);
        const inner = await alice.createRoom({
            name: "Inner",
            initial_state: [
                {
                    type: "m.room.join_rules",
                    state_key: "",
                    content: { join_rule: "restricted", allow: [{ type: "m.room_membership", room_id: club }] },
                },
            ],
        });
        await refused(carol.client.joinRoom(inner), 403, "M_FORBIDDEN");
        await bob.client.joinRoom(inner);
        await bob.inRoom(inner);
    });
}

async function visibility(walk, world) {
    const { alice, bob } = world;
    const roomWith = async (setting) => {
        const roomId = await alice.createRoom({
            preset: "public_chat",
            initial_state: [{ type: "m.room.history_visibility", state_key: "", content: { history_visibility: setting } }],
        });
        const before = await alice.say(roomId, `before, ${setting}`);
        await bob.client.joinRoom(roomId);
        const ids = (await bob.history(roomId)).map((e) => e.event_id);
        return { roomId, seen: ids.includes(before) };
    };
    await walk.step("shared history is seen by those who join later", async () => {
        assert.equal((await roomWith("shared")).seen, true);
    });
    await walk.step("joined history is not", async () => {
        assert.equal((await roomWith("joined")).seen, false);
    });
    await walk.step("world-readable history is seen without joining", async () => {
        const { roomId, seen } = await roomWith("world_readable");
        assert.equal(seen, true);
        assert.ok((await world.carol.history(roomId)).length > 0);
    });
}

async function upgrade(walk, world) {
    const { alice } = world;
    await walk.step("a room is upgraded, old and new point at each other", async () => {
        const old = await alice.createRoom({ name: "Old house", room_version: "10" });
        const { replacement_room: next } = await alice.client.upgradeRoom(old, "11");
        const tombstone = await alice.client.getStateEvent(old, "m.room.tombstone", "");
        assert.equal(tombstone.replacement_room, next);
        const create = await alice.client.getStateEvent(next, "m.room.create", "");
        assert.equal(create.room_version, "11");
        assert.equal(create.predecessor.room_id, old);
        assert.equal((await alice.client.getStateEvent(next, "m.room.name", "")).name, "Old house");
    });
    await walk.step("every stable room version can be created", async () => {
        const { "m.room_versions": versions } = await alice.client.fetchCapabilities();
        const stable = Object.keys(versions.available).filter((v) => versions.available[v] === "stable");
        for (const version of stable) {
            const id = await alice.createRoom({ room_version: version });
            assert.equal((await alice.client.getStateEvent(id, "m.room.create", "")).room_version ?? "1", version);
            await alice.say(id, `hello version ${version}`);
        }
        assert.ok(stable.length >= 3, stable.join());
    });
}
