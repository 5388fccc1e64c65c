// A conversation of two people that the server cannot read.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";
import { eventually } from "./verification.mjs";

export default async function talk(walk, world) {
    const { alice, bob } = world;
    const roomId = await walk.must("two people in an encrypted room", async () => {
        const id = await alice.createEncryptedRoom({ name: "Secret kitchen", invite: [bob.id] });
        await bob.inRoom(id, "invite");
        await bob.client.joinRoom(id);
        await Promise.all([alice.ready(id, bob), bob.ready(id, alice)]);
        return id;
    });
    world.room = roomId;
    world.said = {};

    await walk.must("messages both ways", async () => {
        const hello = await alice.say(roomId, "can you read this?");
        assert.equal(await bob.reads(roomId, hello), "can you read this?");
        const answer = await bob.say(roomId, "yes, and you this?");
        assert.equal(await alice.reads(roomId, answer), "yes, and you this?");
        world.said = { [hello]: "can you read this?", [answer]: "yes, and you this?" };
    });
    await walk.step("the server has nothing to read", async () => {
        for (const eventId of Object.keys(world.said)) {
            const { type, content } = await alice.client.fetchRoomEvent(roomId, eventId);
            assert.equal(type, "m.room.encrypted");
            assert.deepEqual(Object.keys(content).sort(), ["algorithm", "ciphertext", "device_id", "sender_key", "session_id"]);
        }
    });
    await walk.step("an edit and a reaction", async () => {
        const said = await alice.say(roomId, "sphagetti");
        await bob.reads(roomId, said);
        const content = { msgtype: "m.text", body: "spaghetti" };
        await alice.client.sendMessage(roomId, {
            ...content,
            "m.new_content": content,
            "m.relates_to": { rel_type: "m.replace", event_id: said },
        });
        await bob.until("the edit", () => bob.room(roomId).findEventById(said).getContent().body === "spaghetti");
        await bob.client.sendEvent(roomId, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: said, key: "x" } });
        await alice.until("the reaction", () => {
            const relations = alice.room(roomId).relations.getChildEventsForEvent(said, "m.annotation", "m.reaction");
            return relations?.getRelations().length === 1;
        });
        world.said[said] = "spaghetti";
    });
    await walk.step("the keys go to the backup", () =>
        eventually(async () => (await alice.request("GET", "/room_keys/version")).count >= 2), // hers and bob's
    );
    await walk.step("encryption stays on", async () => {
        for (const content of [{}, { algorithm: "none" }]) {
            await refused(alice.client.sendStateEvent(roomId, "m.room.encryption", content), 403, "M_FORBIDDEN");
        }
        const encryption = alice.room(roomId).currentState.getStateEvents("m.room.encryption", "");
        await refused(alice.client.redactEvent(roomId, encryption.getId()), 403, "M_FORBIDDEN");
    });
}
