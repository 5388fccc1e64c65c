// A person with one device: an account on the server under test, a
// matrix-js-sdk client, and ways to wait for what the client learns.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";

const silent = {
    trace() {},
    debug() {},
    info() {},
    warn() {},
    error() {},
    getChild() {
        return silent;
    },
};

/** How long a step waits for news from the server, in milliseconds. */
const patience = 15_000;

/** How long a single request may take, so that a server that hangs fails a step and not the run. */
const localTimeoutMs = 30_000;

/** A client without an account, for registration, login and public reads. */
export function guest(baseUrl) {
    return sdk.createClient({ baseUrl, localTimeoutMs, logger: silent });
}

export class Person {
    constructor(baseUrl, credentials, password, options = {}) {
        this.baseUrl = baseUrl;
        this.id = credentials.user_id;
        this.device = credentials.device_id;
        this.token = credentials.access_token;
        this.password = password;
        this.client = sdk.createClient({
            baseUrl,
            userId: this.id,
            deviceId: this.device,
            accessToken: this.token,
            localTimeoutMs,
            timelineSupport: true,
            logger: silent,
            ...options,
        });
    }

    /** The events of the client after which until() asks again. */
    get news() {
        return [
            sdk.ClientEvent.Sync,
            sdk.ClientEvent.Event,
            sdk.ClientEvent.ToDeviceEvent,
            sdk.ClientEvent.AccountData,
            sdk.ClientEvent.Room,
            sdk.RoomEvent.Timeline,
            sdk.RoomEvent.Tags,
            sdk.RoomEvent.Receipt,
            sdk.RoomEvent.Redaction,
            sdk.RoomEvent.UnreadNotifications,
            sdk.RoomMemberEvent.Typing,
            sdk.MatrixEventEvent.Replaced,
            sdk.ThreadEvent.Update,
            sdk.ThreadEvent.New,
        ];
    }

    get localpart() {
        return this.id.slice(1, this.id.indexOf(":"));
    }

    /** Follows the server by long-polling sync until stop(). */
    async follow({ initialSyncLimit = 30, includeArchivedRooms = false } = {}) {
        await this.client.startClient({
            initialSyncLimit,
            includeArchivedRooms,
            pollTimeout: 20_000,
            lazyLoadMembers: true,
            threadSupport: true,
        });
        await this.until("the first sync is done", () => this.client.isInitialSyncComplete());
        return this;
    }

    stop() {
        this.client.stopClient();
    }

    /**
     * Waits until found() answers something true, and answers that. It is
     * asked again whenever the client has learnt something; an exception in it
     * means "not yet".
     */
    until(what, found, ms = patience) {
        return new Promise((resolve, reject) => {
            let last;
            const ask = () => {
                let value;
                try {
                    value = found();
                } catch (err) {
                    last = err;
                }
                if (value) {
                    done();
                    resolve(value);
                }
            };
            const late = setTimeout(() => {
                done();
                reject(new Error(`${this.id} waited ${ms} ms in vain: ${what}${last ? ` (${last.message})` : ""}`));
            }, ms);
            const news = this.news;
            const done = () => {
                clearTimeout(late);
                news.forEach((name) => this.client.off(name, ask));
            };
            news.forEach((name) => this.client.on(name, ask));
            ask();
        });
    }

    room(roomId) {
        return this.client.getRoom(roomId);
    }

    /** Waits until this client knows the room with that membership of its own. */
    inRoom(roomId, membership = "join") {
        return this.until(`own membership ${membership} in ${roomId}`, () => {
            const room = this.room(roomId);
            return room?.getMyMembership() === membership && room;
        });
    }

    /** Waits until member has that membership in the room, as this client sees it. */
    sees(roomId, member, membership) {
        return this.until(`${member} to be ${membership} in ${roomId}`, () => {
            return this.room(roomId)?.currentState.getStateEvents("m.room.member", member)?.getContent().membership === membership;
        });
    }

    /** Waits until the event has reached this client through sync. */
    hears(roomId, eventId) {
        return this.until(`event ${eventId}`, () => {
            const event = this.room(roomId)?.findEventById(eventId);
            return event?.getId() === eventId && event;
        });
    }

    async say(roomId, body) {
        return (await this.client.sendTextMessage(roomId, body)).event_id;
    }

    /**
     * Says something in a thread, past the client's own local echo: the library
     * gives a message in a new thread up when its sync brings the message back
     * before the answer to sending it.
     */
    async sayInThread(roomId, rootId, body) {
        const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${encodeURIComponent(this.client.makeTxnId())}`;
        const { event_id: eventId } = await this.request("PUT", path, {
            body: {
                "msgtype": "m.text",
                body,
                "m.relates_to": { "rel_type": "m.thread", "event_id": rootId, "is_falling_back": true, "m.in_reply_to": { event_id: rootId } },
            },
        });
        return eventId;
    }

    async createRoom(options = {}) {
        const { room_id: roomId } = await this.client.createRoom({ preset: "private_chat", ...options });
        return roomId;
    }

    /** One request with this person's token, past the client's own state. */
    request(method, path, { query, body, prefix = sdk.ClientPrefix.V3 } = {}) {
        return this.client.http.authedRequest(method, path, query, body, { prefix });
    }

    /** One sync answer as the server wrote it. */
    sync({ since, timeout = 0, filter = { room: { timeline: { limit: 50 } } }, ...rest } = {}) {
        const query = { timeout, filter: JSON.stringify(filter), ...rest };
        if (since) {
            query.since = since;
        }
        return this.request("GET", "/sync", { query });
    }

    /** All events of a room by /messages, newest first, back to the start. */
    async history(roomId, limit = 20) {
        const events = [];
        let from = null;
        for (let page = 0; page < 500; page++) {
            const answer = await this.client.createMessagesRequest(roomId, from, limit, sdk.Direction.Backward);
            events.push(...answer.chunk);
            if (!answer.end || answer.chunk.length === 0) {
                return events;
            }
            from = answer.end;
        }
        assert.fail("500 pages and no end of the room");
    }

    /** Media bytes by the authenticated endpoints; size asks for a thumbnail. */
    async media(mxc, { width, height, method, token = this.token } = {}) {
        const url = this.client.mxcUrlToHttp(mxc, width, height, method, false, true, true);
        const headers = token ? { Authorization: `Bearer ${token}` } : {};
        const answer = await fetch(url, { headers });
        return {
            status: answer.status,
            type: answer.headers.get("content-type"),
            disposition: answer.headers.get("content-disposition"),
            bytes: Buffer.from(await answer.arrayBuffer()),
        };
    }
}

/**
 * Registers an account the way a client does it: ask, be told the flows, walk
 * them. registrationToken is for servers that want one.
 */
export async function register(baseUrl, name, { password = `${name} has a long password`, registrationToken } = {}) {
    const client = guest(baseUrl);
    const wanted = { username: name, password, initial_device_display_name: `${name}'s first device` };
    const stages = [];
    const auth = new sdk.InteractiveAuth({
        matrixClient: client,
        doRequest: (dict) => client.registerRequest(dict ? { ...wanted, auth: dict } : wanted),
        stateUpdated: (stage, status) => {
            if (status.errcode || (status.error && stages.includes(stage))) {
                throw new Error(`stage ${stage}: ${status.errcode} ${status.error}`);
            }
            stages.push(stage);
            if (stage === sdk.AuthType.RegistrationToken) {
                return auth.submitAuthDict({ type: stage, token: registrationToken });
            }
        },
        requestEmailToken: () => Promise.reject(new Error("the server wants an e-mail address")),
        supportedStages: [sdk.AuthType.Dummy, sdk.AuthType.RegistrationToken],
    });
    const credentials = await auth.attemptAuth();
    return new Person(baseUrl, credentials, password);
}

/** Logs in with a password; another device of the same account. */
export async function login(baseUrl, person, deviceName) {
    const credentials = await guest(baseUrl).loginRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: person.localpart },
        password: person.password,
        initial_device_display_name: deviceName,
    });
    return new Person(baseUrl, credentials, person.password);
}
