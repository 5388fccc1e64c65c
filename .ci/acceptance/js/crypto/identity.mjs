// Cross-signing keys, secret storage and key backup of two people.

import assert from "node:assert/strict";
import { refused } from "../walk.mjs";
import { registerSecretive } from "./secretive.mjs";

export default async function identity(walk, world) {
    for (const who of ["alice", "bob"]) {
        world[who] = await walk.must(`${who} registers on a device that encrypts`, () => registerSecretive(world, who));
    }
    const { alice, bob } = world;

    await walk.must("the first cross-signing keys need no password", () => alice.makeIdentity());
    await walk.must("bob makes his", () => bob.makeIdentity());
    await walk.step("cross-signing and secret storage are ready", async () => {
        assert.equal(await alice.crypto.isCrossSigningReady(), true);
        assert.equal(await alice.crypto.isSecretStorageReady(), true);
        const status = await alice.crypto.getDeviceVerificationStatus(alice.id, alice.device);
        assert.equal(status.crossSigningVerified, true);
    });
    await walk.step("the key backup is there and trusted", async () => {
        const version = await alice.crypto.getActiveSessionBackupVersion();
        assert.ok(version);
        const info = await alice.crypto.getKeyBackupInfo();
        assert.equal(info.version, version);
        assert.equal((await alice.crypto.isKeyBackupTrusted(info)).trusted, true);
    });
    await walk.step("other keys in their place need the password", async () => {
        const carol = (world.carol = await registerSecretive(world, "carol"));
        await carol.makeIdentity();
        const before = await carol.crypto.getCrossSigningKeyId();
        const replace = (authUploadDeviceSigningKeys) =>
            carol.crypto.bootstrapCrossSigning({ setupNewCrossSigning: true, authUploadDeviceSigningKeys });
        await refused(replace((request) => request(null)), 401);
        await replace((request) => carol.withPassword(request));
        assert.notEqual(await carol.crypto.getCrossSigningKeyId(), before);
    });
}
