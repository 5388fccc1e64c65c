// A conversation: a room, an invitation, words both ways, a picture, and what
// people do to messages afterwards.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { png, sizeOf } from "../picture.mjs";
import { refused } from "../walk.mjs";

export default async function conversation(walk, world) {
    const { alice, bob, phone } = world;
    await walk.must("everybody follows by sync", () => Promise.all([alice, bob, phone].map((p) => p.follow())));

    await meeting(walk, world);
    await talking(walk, world);
    await pictures(walk, world);
    await changes(walk, world);
    await threads(walk, world);
    await toDevice(walk, world);
    phone.stop();
}

async function meeting(walk, world) {
    const { alice, bob } = world;
    const roomId = await walk.must("create a room", () => alice.createRoom({ name: "Kitchen", topic: "What is for dinner" }));
    world.kitchen = roomId;
    await walk.must("the creator's sync brings it", async () => {
        const room = await alice.inRoom(roomId);
        await alice.until("the room's name", () => room.name === "Kitchen");
        assert.equal(room.currentState.getStateEvents("m.room.topic", "").getContent().topic, "What is for dinner");
        assert.equal(room.getJoinRule(), "invite");
    });
    await walk.step("a stranger cannot join it or look in", async () => {
        await refused(bob.client.joinRoom(roomId), 403, "M_FORBIDDEN");
        await refused(bob.client.roomState(roomId), 403, "M_FORBIDDEN");
        await refused(bob.request("PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/x`, { body: { msgtype: "m.text", body: "hi" } }), 403, "M_FORBIDDEN");
    });
    await walk.must("invite", () => alice.client.invite(roomId, bob.id, { reason: "dinner" }));
    await walk.step("the invited one is told who, where and why", async () => {
        const room = await bob.inRoom(roomId, "invite");
        await bob.until("the room's name", () => room.name === "Kitchen");
        const invite = room.getMember(bob.id).events.member;
        assert.equal(invite.getSender(), alice.id);
        assert.equal(invite.getContent().reason, "dinner");
    });
    await walk.step("a stranger may not invite", async () => {
        await refused(world.carol.client.invite(roomId, world.carol.id), 403, "M_FORBIDDEN");
    });
    await walk.must("join", async () => {
        await bob.client.joinRoom(roomId);
        await bob.inRoom(roomId);
    });
    await walk.step("the others see the join with the profile", async () => {
        await alice.sees(roomId, bob.id, "join");
        const { joined } = await alice.client.getJoinedRoomMembers(roomId);
        assert.deepEqual(Object.keys(joined).sort(), [alice.id, bob.id].sort());
        assert.equal(joined[alice.id].display_name, "Alice A.");
    });
    await walk.step("both list the room as joined", async () => {
        assert.ok((await alice.client.getJoinedRooms()).joined_rooms.includes(roomId));
        assert.ok((await bob.client.getJoinedRooms()).joined_rooms.includes(roomId));
    });
}

async function talking(walk, world) {
    const { alice, bob, phone, kitchen } = world;
    world.hello = await walk.must("alice says, bob hears", async () => {
        const eventId = await alice.say(kitchen, "hello bob");
        const event = await bob.hears(kitchen, eventId);
        assert.equal(event.getContent().body, "hello bob");
        assert.equal(event.getSender(), alice.id);
        assert.ok(Math.abs(Date.now() - event.getTs()) < 60_000, "origin_server_ts is now");
        return eventId;
    });
    world.answer = await walk.must("bob says, alice hears on both devices", async () => {
        const eventId = await bob.say(kitchen, "hello alice");
        await Promise.all([alice.hears(kitchen, eventId), phone.hears(kitchen, eventId)]);
        return eventId;
    });
    await walk.step("words of any script survive", async () => {
        const body = "Ünïcödé 🥘 \u202eabc\u0000\n\t\"quoted\" \\ 日本語 <b>&amp;";
        const heard = await bob.hears(kitchen, await alice.say(kitchen, body));
        assert.equal(heard.getContent().body, body);
    });
    await walk.step("messages arrive in the order of sending", async () => {
        const ids = [];
        for (let i = 0; i < 10; i++) {
            ids.push(await alice.say(kitchen, `in order ${i}`));
        }
        await bob.hears(kitchen, ids.at(-1));
        const heard = bob.room(kitchen).getLiveTimeline().getEvents().map((e) => e.getId());
        assert.deepEqual(heard.filter((id) => ids.includes(id)), ids);
    });
    await walk.step("a repeated transaction makes one event", async () => {
        const path = `/rooms/${encodeURIComponent(kitchen)}/send/m.room.message/${world.name("txn")}`;
        const body = { msgtype: "m.text", body: "only once" };
        const first = await alice.request("PUT", path, { body });
        const again = await alice.request("PUT", path, { body });
        assert.equal(again.event_id, first.event_id);
        const other = await phone.request("PUT", path, { body });
        assert.notEqual(other.event_id, first.event_id, "another device has transaction IDs of its own");
    });
    await walk.step("the sender's own device is told its transaction ID, others are not", async () => {
        const path = `/rooms/${encodeURIComponent(kitchen)}/send/m.room.message/${world.name("echo")}`;
        const { event_id: eventId } = await alice.request("PUT", path, { body: { msgtype: "m.text", body: "echo" } });
        const told = async (person) => {
            const { rooms } = await person.sync();
            const event = rooms.join[kitchen].timeline.events.find((e) => e.event_id === eventId);
            return event.unsigned?.transaction_id;
        };
        assert.equal(await told(alice), world.name("echo"));
        assert.equal(await told(phone), undefined);
        assert.equal(await told(bob), undefined);
    });
    await walk.step("a single event is read by its ID", async () => {
        const event = await bob.client.fetchRoomEvent(kitchen, world.hello);
        assert.equal(event.content.body, "hello bob");
        await refused(bob.client.fetchRoomEvent(kitchen, "$nothing"), 404, "M_NOT_FOUND");
        await refused(world.carol.client.fetchRoomEvent(kitchen, world.hello), 404, "M_NOT_FOUND");
    });
    await walk.step("a filter keeps types out", async () => {
        const filter = { room: { rooms: [kitchen], timeline: { limit: 50, not_types: ["m.room.message"] } } };
        const { rooms } = await bob.sync({ filter });
        const types = rooms.join[kitchen].timeline.events.map((e) => e.type);
        assert.ok(types.length > 0 && !types.includes("m.room.message"), types.join());
    });
    await walk.step("a malformed message is refused and harms nothing", async () => {
        const path = `/rooms/${encodeURIComponent(kitchen)}/send/m.room.message/${world.name("bad")}`;
        const answer = await fetch(`${world.baseUrl}/_matrix/client/v3${path}`, {
            method: "PUT",
            headers: { Authorization: `Bearer ${alice.token}` },
            body: "{not json",
        });
        assert.equal(answer.status, 400);
        assert.equal((await answer.json()).errcode, "M_NOT_JSON");
    });
}

async function pictures(walk, world) {
    const { alice, bob, kitchen } = world;
    const image = png(640, 480);
    world.picture = image;
    const mxc = await walk.step("upload a picture", async () => {
        const answer = await alice.client.uploadContent(image, { type: "image/png", name: "dinner.png" });
        assert.match(answer.content_uri, /^mxc:\/\/[^/]+\/[A-Za-z0-9_-]+$/);
        return answer.content_uri;
    });
    if (!mxc) {
        return;
    }
    world.pictureUri = mxc;
    await walk.step("send it", async () => {
        const { event_id: eventId } = await alice.client.sendImageMessage(kitchen, mxc, { w: 640, h: 480, mimetype: "image/png", size: image.length }, "dinner.png");
        const event = await bob.hears(kitchen, eventId);
        assert.equal(event.getContent().url, mxc);
    });
    await walk.step("the other one downloads the same bytes", async () => {
        const got = await bob.media(mxc);
        assert.equal(got.status, 200);
        assert.equal(got.type, "image/png");
        assert.match(got.disposition ?? "", /dinner\.png/);
        assert.ok(got.bytes.equals(image), `${got.bytes.length} bytes, not the ${image.length} that were uploaded`);
    });
    await walk.step("without a token there is no download", async () => {
        assert.equal((await bob.media(mxc, { token: "" })).status, 401);
    });
    await walk.step("a thumbnail is smaller and still a picture", async () => {
        const scaled = await bob.media(mxc, { width: 320, height: 240, method: "scale" });
        assert.equal(scaled.status, 200);
        assert.deepEqual(sizeOf(scaled.bytes), { width: 320, height: 240 });
        const cropped = await bob.media(mxc, { width: 96, height: 96, method: "crop" });
        assert.equal(cropped.status, 200);
        assert.deepEqual(sizeOf(cropped.bytes), { width: 96, height: 96 });
    });
    await walk.step("media that does not exist is not found", async () => {
        assert.equal((await bob.media(`${mxc}nothing`)).status, 404);
    });
    await walk.step("the upload limit is told", async () => {
        const config = await alice.client.getMediaConfig(true);
        assert.ok(config["m.upload.size"] > 1_000_000, JSON.stringify(config));
    });
}

async function changes(walk, world) {
    const { alice, bob, kitchen } = world;
    await walk.step("an edit replaces the text for the other one", async () => {
        const original = await alice.say(kitchen, "spagetti");
        await bob.hears(kitchen, original);
        await alice.client.sendMessage(kitchen, {
            "msgtype": "m.text",
            "body": "* spaghetti",
            "m.new_content": { msgtype: "m.text", body: "spaghetti" },
            "m.relates_to": { rel_type: "m.replace", event_id: original },
        });
        await bob.until("the edited text", () => bob.room(kitchen).findEventById(original).getContent().body === "spaghetti");
        const stored = await bob.client.fetchRoomEvent(kitchen, original);
        assert.equal(stored.unsigned["m.relations"]["m.replace"].content["m.new_content"].body, "spaghetti");
        world.edited = original;
    });
    await walk.step("a reaction is seen, counted once, and can be taken back", async () => {
        const content = { "m.relates_to": { rel_type: "m.annotation", event_id: world.hello, key: "👍" } };
        const { event_id: reaction } = await bob.client.sendEvent(kitchen, "m.reaction", content);
        const keys = () =>
            alice
                .room(kitchen)
                .relations.getChildEventsForEvent(world.hello, "m.annotation", "m.reaction")
                ?.getSortedAnnotationsByKey()
                ?.filter(([, events]) => events.size > 0)
                .map(([key, events]) => `${key}${events.size}`)
                .join();
        await alice.until("the reaction", () => keys() === "👍1");
        await refused(bob.request("PUT", `/rooms/${encodeURIComponent(kitchen)}/send/m.reaction/${world.name("twice")}`, { body: content }), 400, "M_DUPLICATE_ANNOTATION");
        await bob.client.redactEvent(kitchen, reaction);
        await alice.until("the reaction is gone", () => !keys());
        await bob.client.sendEvent(kitchen, "m.reaction", content);
    });
    await walk.step("the relations of an event are listed", async () => {
        const { chunk } = await bob.client.fetchRelations(kitchen, world.hello, "m.annotation", "m.reaction");
        assert.deepEqual(chunk.map((e) => e.content["m.relates_to"].key), ["👍"]);
    });
    await walk.step("a reply points at what it answers", async () => {
        const { event_id: eventId } = await bob.client.sendMessage(kitchen, {
            "msgtype": "m.text",
            "body": "yes please",
            "m.relates_to": { "m.in_reply_to": { event_id: world.edited } },
        });
        const event = await alice.hears(kitchen, eventId);
        assert.equal(event.replyEventId, world.edited);
    });
    await walk.step("a redaction empties the message for everybody", async () => {
        const wrong = await alice.say(kitchen, "the secret ingredient");
        await bob.hears(kitchen, wrong);
        await refused(bob.client.redactEvent(kitchen, world.hello), 403, "M_FORBIDDEN");
        await alice.client.redactEvent(kitchen, wrong, undefined, { reason: "secret" });
        await bob.until("the redaction", () => bob.room(kitchen).findEventById(wrong).isRedacted());
        const stored = await bob.client.fetchRoomEvent(kitchen, wrong);
        assert.deepEqual(stored.content, {});
        assert.equal(stored.unsigned.redacted_because.content.reason, "secret");
        world.redacted = wrong;
    });
}

async function threads(walk, world) {
    const { alice, bob, kitchen } = world;
    const root = await walk.step("a thread grows and is counted by the server", async () => {
        const rootId = await alice.say(kitchen, "who cooks?");
        await bob.hears(kitchen, rootId);
        await bob.sayInThread(kitchen, rootId, "me");
        const last = await alice.sayInThread(kitchen, rootId, "no, me");
        await bob.until("two answers in the thread", () => bob.room(kitchen).getThread(rootId)?.length === 2);
        const stored = await bob.client.fetchRoomEvent(kitchen, rootId);
        const summary = stored.unsigned["m.relations"]["m.thread"];
        assert.equal(summary.count, 2);
        assert.equal(summary.latest_event.event_id, last);
        assert.equal(summary.current_user_participated, true);
        return rootId;
    });
    world.thread = root;
    await walk.step("threads of a room are listed", async () => {
        const all = await bob.client.createThreadListMessagesRequest(kitchen, null, 10);
        assert.deepEqual(all.chunk.map((e) => e.event_id), [root]);
        const mine = await world.bob.client.createThreadListMessagesRequest(kitchen, null, 10, sdk.Direction.Backward, sdk.ThreadFilterType.My);
        assert.deepEqual(mine.chunk.map((e) => e.event_id), [root]);
    });
    await walk.step("thread answers stay out of the client's main timeline", () => {
        const bodies = bob.room(kitchen).getLiveTimeline().getEvents().map((e) => e.getContent().body);
        assert.ok(bodies.includes("who cooks?") && !bodies.includes("no, me"));
    });
}

async function toDevice(walk, world) {
    const { alice, bob, phone } = world;
    await walk.step("a to-device message reaches the one device, once", async () => {
        const got = [];
        const keep = (event) => event.getType() === "org.example.note" && got.push(event.getContent().n);
        phone.client.on(sdk.ClientEvent.ToDeviceEvent, keep);
        alice.client.on(sdk.ClientEvent.ToDeviceEvent, () => got.push("the other device"));
        const send = (n) => bob.client.sendToDevice("org.example.note", new Map([[alice.id, new Map([[phone.device, { n }]])]]), `${world.name("note")}${n}`);
        await send(1);
        await send(1); // the same transaction
        await send(2);
        await phone.until("both notes", () => got.includes(2));
        assert.deepEqual(got, [1, 2]);
        phone.client.off(sdk.ClientEvent.ToDeviceEvent, keep);
    });
}
