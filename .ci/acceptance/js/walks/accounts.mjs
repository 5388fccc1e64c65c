// Accounts: registration, login, devices, password, profile.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { guest, login, register } from "../person.mjs";
import { refused } from "../walk.mjs";

export default async function accounts(walk, world) {
    const { baseUrl, name, registrationToken } = world;

    await walk.must("versions are told", async () => {
        const { versions } = await guest(baseUrl).getVersions();
        assert.ok(versions.includes("v1.11"), `versions: ${versions}`);
    });

    await walk.step("login by password is offered", async () => {
        const { flows } = await guest(baseUrl).loginFlows();
        assert.ok(flows.some((flow) => flow.type === "m.login.password"), JSON.stringify(flows));
    });

    const alice = await walk.must("register by interactive authentication", async () => {
        const person = await register(baseUrl, name("alice"), { registrationToken });
        assert.match(person.id, new RegExp(`^@${name("alice")}:`));
        assert.ok(person.device && person.token);
        return person;
    });
    world.alice = alice;
    for (const who of ["bob", "carol"]) {
        world[who] = await walk.must(`register ${who}`, () => register(baseUrl, name(who), { registrationToken }));
    }

    await walk.step("a taken name is refused", () =>
        refused(register(baseUrl, name("alice"), { registrationToken }), 400, "M_USER_IN_USE"),
    );
    await walk.step("a taken name is told before registering", async () => {
        assert.equal(await guest(baseUrl).isUsernameAvailable(name("alice")), false);
        assert.equal(await guest(baseUrl).isUsernameAvailable(name("nobody")), true);
    });
    await walk.step("an impossible name is refused", () =>
        refused(
            guest(baseUrl).registerRequest({ username: "not a name", password: "long enough, that", auth: { type: "m.login.dummy" } }),
            400,
            "M_INVALID_USERNAME",
        ),
    );
    if (registrationToken) {
        await walk.step("a wrong registration token is refused", () =>
            assert.rejects(register(baseUrl, name("intruder"), { registrationToken: "wrong" })),
        );
    }

    await walk.step("a wrong password is refused", () =>
        refused(guest(baseUrl).loginWithPassword(alice.localpart, "wrong"), 403, "M_FORBIDDEN"),
    );
    const phone = await walk.must("log in on a second device", async () => {
        const person = await login(baseUrl, alice, "alice's phone");
        assert.equal(person.id, alice.id);
        assert.notEqual(person.device, alice.device);
        return person;
    });
    world.phone = phone;
    await walk.step("log in by the whole user ID", async () => {
        const answer = await guest(baseUrl).loginWithPassword(alice.id, alice.password);
        assert.equal(answer.user_id, alice.id);
        world.spareDevice = answer.device_id; // removed again below
    });
    await walk.step("whoami tells user and device", async () => {
        const me = await phone.client.whoami();
        assert.equal(me.user_id, alice.id);
        assert.equal(me.device_id, phone.device);
    });
    await walk.step("an unknown token is refused", () =>
        refused(sdk.createClient({ baseUrl, accessToken: "unknown" }).whoami(), 401, "M_UNKNOWN_TOKEN"),
    );
    await walk.step("a missing token is refused", () => refused(guest(baseUrl).whoami(), 401, "M_MISSING_TOKEN"));

    await walk.step("devices are listed and renamed", async () => {
        const { devices } = await alice.client.getDevices();
        assert.deepEqual(
            devices.map((d) => d.device_id).sort(),
            [alice.device, phone.device, world.spareDevice].sort(),
        );
        await alice.client.setDeviceDetails(phone.device, { display_name: "pocket" });
        assert.equal((await alice.client.getDevice(phone.device)).display_name, "pocket");
    });
    await walk.step("a device is removed after the password is given again", async () => {
        await withPassword(alice, alice.password, (auth) => alice.client.deleteDevice(world.spareDevice, auth));
        await refused(alice.client.getDevice(world.spareDevice), 404, "M_NOT_FOUND");
    });
    await walk.step("the password is changed, other devices stay", async () => {
        const next = `${alice.password}, newer`;
        await withPassword(alice, alice.password, (auth) => alice.client.setPassword(auth, next, false));
        await refused(guest(baseUrl).loginWithPassword(alice.localpart, alice.password), 403, "M_FORBIDDEN");
        alice.password = next;
        phone.password = next;
        assert.equal((await phone.client.whoami()).user_id, alice.id);
    });

    await walk.step("display name and avatar are set and read", async () => {
        await alice.client.setDisplayName("Alice A.");
        await alice.client.setAvatarUrl("mxc://example.org/alice");
        assert.deepEqual(await world.bob.client.getProfileInfo(alice.id), {
            displayname: "Alice A.",
            avatar_url: "mxc://example.org/alice",
        });
        assert.deepEqual(await world.bob.client.getProfileInfo(alice.id, "displayname"), { displayname: "Alice A." });
    });
    await walk.step("the profile of nobody is not found", () =>
        refused(alice.client.getProfileInfo(alice.id.replace(name("alice"), name("nobody"))), 404),
    );
    await walk.step("capabilities name a default room version", async () => {
        const { "m.room_versions": versions } = await alice.client.fetchCapabilities();
        assert.equal(versions.available[versions.default], "stable");
    });
}

/** Does a request that asks for the password again, as a client does it. */
async function withPassword(person, password, request) {
    const auth = new sdk.InteractiveAuth({
        matrixClient: person.client,
        doRequest: request,
        stateUpdated: (stage, status) => {
            if (status.errcode) {
                throw new Error(`stage ${stage}: ${status.errcode} ${status.error}`);
            }
            if (stage === sdk.AuthType.Password) {
                return auth.submitAuthDict({
                    type: stage,
                    identifier: { type: "m.id.user", user: person.localpart },
                    password,
                });
            }
        },
        requestEmailToken: () => Promise.reject(new Error("the server wants an e-mail address")),
    });
    return auth.attemptAuth();
}
