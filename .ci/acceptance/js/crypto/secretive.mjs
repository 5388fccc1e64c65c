// A person whose client encrypts, by the Rust crypto of matrix-js-sdk. Its keys
// are in memory: a device lives as long as its object.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { Person, login, register } from "../person.mjs";

export class Secretive extends Person {
    constructor(plain) {
        const recovery = { key: undefined }; // what the person wrote down
        const line = { cut: new AbortController() };
        super(plain.baseUrl, { user_id: plain.id, device_id: plain.device, access_token: plain.token }, plain.password, {
            verificationMethods: ["m.sas.v1"],
            fetchFn: (url, init) => fetch(url, { ...init, signal: AbortSignal.any([init.signal, line.cut.signal].filter(Boolean)) }),
            cryptoCallbacks: {
                getSecretStorageKey: async ({ keys }) => {
                    const [id] = Object.keys(keys);
                    return recovery.key ? [id, recovery.key.privateKey] : null;
                },
            },
        });
        this.plain = plain; // the same account and device without encryption, which is never away
        this.recovery = recovery;
        this.line = line;
    }

    get crypto() {
        return this.client.getCrypto();
    }

    get news() {
        return [...super.news, sdk.MatrixEventEvent.Decrypted, ...Object.values(CryptoEvent)];
    }

    async follow(options) {
        await this.client.initRustCrypto({ useIndexedDB: false });
        return super.follow(options);
    }

    /** Loses the connection, in the middle of whatever was going on. */
    away() {
        this.line.cut.abort();
    }

    /** Has the connection again. */
    back() {
        this.line.cut = new AbortController();
        this.client.retryImmediately();
    }

    /** Answers a request that asks for the password. */
    withPassword(request) {
        const auth = new sdk.InteractiveAuth({
            matrixClient: this.client,
            doRequest: request,
            stateUpdated: (stage, status) => {
                if (status.errcode) {
                    throw new Error(`stage ${stage}: ${status.errcode} ${status.error}`);
                }
                return auth.submitAuthDict({
                    type: stage,
                    identifier: { type: "m.id.user", user: this.localpart },
                    password: this.password,
                });
            },
            requestEmailToken: () => Promise.reject(new Error("the server wants an e-mail address")),
        });
        return auth.attemptAuth();
    }

    /** Makes cross-signing keys and keeps them, and the key backup's, on the server under a recovery key. */
    async makeIdentity({ backup = true } = {}) {
        await this.crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (request) => request(null) });
        await this.crypto.bootstrapSecretStorage({
            setupNewSecretStorage: true,
            setupNewKeyBackup: backup,
            createSecretStorageKey: async () => (this.recovery.key = await this.crypto.createRecoveryKeyFromPassphrase()),
        });
    }

    /** Gets the identity from the server, with the recovery key. */
    async identify(recovery) {
        this.recovery.key = recovery.key;
        assert.equal(await this.crypto.userHasCrossSigningKeys(this.id, true), true);
        await this.crypto.bootstrapCrossSigning({});
    }

    /** Gets the identity, and all keys that are in the backup. */
    async recover(recovery) {
        await this.identify(recovery);
        await this.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        await this.crypto.checkKeyBackupAndEnable();
        return this.crypto.restoreKeyBackup();
    }

    /** Waits until a message is there and readable, and answers its text. */
    reads(roomId, eventId) {
        return this.until(`to read ${eventId}`, () => {
            const event = this.room(roomId)?.findEventById(eventId);
            if (event?.isDecryptionFailure()) {
                throw new Error(event.getContent().body);
            }
            return event?.getType() === "m.room.message" && event.getContent().body;
        });
    }

    /** Waits until the message arrives and cannot be read. */
    cannotRead(roomId, eventId) {
        return this.until(`to fail to read ${eventId}`, () => this.room(roomId)?.findEventById(eventId)?.isDecryptionFailure());
    }

    /** Waits until this client has asked for the keys of a person and knows exactly these devices. */
    async knowsDevices(userId, devices) {
        let known;
        for (let i = 0; i < 50; i++) {
            known = [...((await this.crypto.getUserDeviceInfo([userId], true)).get(userId)?.keys() ?? [])].sort();
            if (known.join() === devices.toSorted().join()) {
                return;
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        assert.deepEqual(known, devices.toSorted());
    }

    createEncryptedRoom({ visibility = "shared", ...options } = {}) {
        return this.createRoom({
            ...options,
            initial_state: [
                { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
                { type: "m.room.history_visibility", state_key: "", content: { history_visibility: visibility } },
            ],
        });
    }

    /** Waits until this client knows that the room is encrypted and who is in it. */
    async ready(roomId, ...members) {
        await this.inRoom(roomId);
        await Promise.all(members.map((m) => this.sees(roomId, m.id, "join")));
        await this.until("the room to be encrypted", () => this.room(roomId).hasEncryptionStateEvent());
    }
}

/** A new account on a device that encrypts. */
export async function registerSecretive(world, name) {
    const person = new Secretive(await register(world.baseUrl, world.name(name), world));
    return person.follow();
}

/** Another device of the same account. */
export async function loginSecretive(world, person, deviceName) {
    const other = new Secretive(await login(world.baseUrl, person, deviceName));
    return other.follow();
}
