// Calls of more than two people, as far as the server has a part in them: the
// library's own MatrixRTC joins and leaves, what was scheduled is sent, also
// when the server restarts meanwhile, and who comes late learns who is there.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { refused } from "../walk.mjs";

const memberType = "org.matrix.msc3401.call.member";
const delayed = `${sdk.ClientPrefix.Unstable}/org.matrix.msc4140`;
const transports = [{ type: "livekit", livekit_service_url: "https://livekit.example" }];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function calls(walk, world) {
    const { alice, bob, carol } = world;
    const room = await alice.createRoom({ name: "Assembly", preset: "public_chat" });
    await bob.client.joinRoom(room);
    await bob.inRoom(room);
    await alice.sees(room, bob.id, "join");

    /** How many members of the call alice sees by the state of the room. */
    const inCall = () =>
        alice
            .room(room)
            .currentState.getStateEvents(memberType)
            .filter((event) => event.getContent().application === "m.call").length;

    await walk.step("the server says what it can", async () => {
        assert.ok(await bob.client.doesServerSupportUnstableFeature("org.matrix.msc4140"));
        const limits = (await bob.client.getCapabilities())["org.matrix.msc4140.delayed_events"];
        assert.ok(limits.max_delay_ms >= 3_600_000, "an hour at least, for calls that are looked after by their server");
        const there = await bob.request("GET", "/rtc/transports", { prefix: `${sdk.ClientPrefix.Unstable}/org.matrix.msc4143` });
        assert.ok(Array.isArray(there.rtc_transports));
    });

    const session = bob.client.matrixRTC.getRoomSession(bob.room(room));
    await walk.must("an ordinary member joins a call", async () => {
        session.joinRoomSession(transports, undefined, {
            manageMediaKeys: false,
            delayedLeaveEventDelayMs: 3000,
            delayedLeaveEventRestartMs: 500,
        });
        await alice.until("bob in the call", () => inCall() === 1);
        const { delayed_events: waiting } = await bob.client._unstable_getDelayedEvents();
        assert.equal(waiting.length, 1);
        assert.equal(waiting[0].type, memberType);
    });
    await walk.step("and stays in it, by putting off that they leave", async () => {
        await pause(5000);
        assert.equal(inCall(), 1);
    });
    await walk.step("and leaves it", async () => {
        assert.ok(await session.leaveRoomSession(10_000));
        await alice.until("bob out of the call", () => inCall() === 0);
        assert.deepEqual((await bob.client._unstable_getDelayedEvents()).delayed_events, []);
    });

    const key = `_${bob.id}_GONE_m.call`;
    const join = () => bob.client.sendStateEvent(room, memberType, { application: "m.call", call_id: "" }, key);
    await walk.step("whoever loses the connection has left soon after", async () => {
        await join();
        await alice.until("bob in the call", () => inCall() === 1);
        await bob.client._unstable_sendDelayedStateEvent(room, { delay: 1000 }, memberType, {}, key);
        await alice.until("bob out of the call", () => inCall() === 0);
    });
    await walk.step("also when the server restarts just then", async () => {
        if (!world.restartServer) {
            return;
        }
        await join();
        await alice.until("bob in the call", () => inCall() === 1);
        await bob.client._unstable_sendDelayedStateEvent(room, { delay: 500 }, memberType, {}, key);
        await world.restartServer();
        await alice.until("bob out of the call", () => inCall() === 0, 30_000);
        const gone = (await bob.history(room)).filter((event) => event.state_key === key && Object.keys(event.content).length === 0);
        assert.equal(gone.length, 2, "once each time");
        assert.ok(gone[0].unsigned["org.matrix.msc4140.delay_id"], "its sender sees that it was scheduled");
    });
    await walk.step("a message is sent later, now, or never", async () => {
        const schedule = (body) => bob.client._unstable_sendDelayedEvent(room, { delay: 60_000 }, null, "m.room.message", { msgtype: "m.text", body });
        const [now, never] = [await schedule("now"), await schedule("never")];
        await bob.client._unstable_restartScheduledDelayedEvent(now.delay_id);
        await bob.client._unstable_sendScheduledDelayedEvent(now.delay_id);
        await bob.client._unstable_cancelScheduledDelayedEvent(never.delay_id);
        const { event_id: sent } = await bob.client._unstable_getDelayedEvent(now.delay_id);
        assert.equal((await alice.hears(room, sent)).getContent().body, "now");
        await refused(bob.client._unstable_restartScheduledDelayedEvent(never.delay_id), 404, "M_NOT_FOUND");
        const answer = await fetch(`${world.baseUrl}${delayed}/delayed_events/${never.delay_id}/cancel`, { method: "POST" });
        assert.equal(answer.status, 200, "who knows the id needs no token");
    });
    await walk.step("who comes late learns of what is sticky", async () => {
        const path = `/rooms/${encodeURIComponent(room)}/send/org.example.member/${encodeURIComponent(bob.client.makeTxnId())}`;
        await bob.request("PUT", path, {
            query: { "org.matrix.msc4354.sticky_duration_ms": 600_000 },
            body: { msc4354_sticky_key: "bob's phone" },
        });
        for (let i = 0; i < 40; i++) {
            await bob.say(room, `message ${i}`);
        }
        await carol.client.joinRoom(room);
        await carol.inRoom(room);
        const sticky = () => [...carol.room(room)._unstable_getStickyEvents()].find((event) => event.getSender() === bob.id);
        await carol.until("bob's event", sticky);
        assert.ok(sticky().unstableStickyExpiresAt > Date.now());
    });
    await walk.step("threads are followed", async () => {
        const root = await alice.say(room, "what about lunch?");
        await alice.sayInThread(room, root, "at noon");
        const prefix = `${sdk.ClientPrefix.Unstable}/io.element.msc4306`;
        const path = `/rooms/${encodeURIComponent(room)}/thread/${encodeURIComponent(root)}/subscription`;
        await refused(bob.request("GET", path, { prefix }), 404, "M_NOT_FOUND");
        await bob.request("PUT", path, { prefix, body: {} });
        assert.deepEqual(await bob.request("GET", path, { prefix }), { automatic: false });
        await bob.request("DELETE", path, { prefix });
        await refused(bob.request("PUT", path, { prefix, body: { automatic: root } }), 400, "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD");
    });
}
