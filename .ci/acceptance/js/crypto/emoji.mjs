// Verification by comparing emoji, from both sides at once.

import assert from "node:assert/strict";
import { CryptoEvent, VerificationPhase, VerificationRequestEvent, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";

/** The next verification that somebody asks a device for. */
export function nextRequest(person) {
    return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`${person.id} was not asked to verify`)), 15_000);
        person.client.once(CryptoEvent.VerificationRequestReceived, (request) => {
            clearTimeout(late);
            resolve(request);
        });
    });
}

/**
 * Takes a verification to its end: the other side accepts, both compare what
 * they see, and both confirm. Answers the emoji.
 */
export async function compareEmoji(request, otherSide) {
    await otherSide.accept();
    await phase(request, VerificationPhase.Ready);
    const mine = await request.startVerification("m.sas.v1");
    await phase(otherSide, VerificationPhase.Started);
    const sides = [mine, otherSide.verifier];
    const shown = sides.map(
        (verifier) => new Promise((resolve, reject) => {
            verifier.once(VerifierEvent.ShowSas, resolve);
            verifier.once(VerifierEvent.Cancel, (err) => reject(err));
        }),
    );
    const ended = sides.map((verifier) => verifier.verify());
    const [here, there] = await Promise.all(shown);
    const emoji = (sas) => sas.sas.emoji.map(([picture]) => picture).join("");
    assert.equal(emoji(here), emoji(there));
    assert.equal(here.sas.emoji.length, 7);
    await Promise.all([here.confirm(), there.confirm()]);
    await Promise.all(ended);
    await Promise.all([request, otherSide].map((side) => phase(side, VerificationPhase.Done)));
    return emoji(here);
}

/** Waits until a verification has come so far. */
function phase(request, wanted) {
    return new Promise((resolve, reject) => {
        const late = setTimeout(() => done(() => reject(new Error(`verification stays in phase ${request.phase}, wanted ${wanted}`))), 15_000);
        const done = (then) => {
            clearTimeout(late);
            request.off(VerificationRequestEvent.Change, look);
            then();
        };
        const look = () => {
            if (request.phase === wanted) {
                done(resolve);
            } else if (request.phase === VerificationPhase.Cancelled) {
                done(() => reject(new Error(`verification was cancelled: ${request.cancellationCode}`)));
            }
        };
        request.on(VerificationRequestEvent.Change, look);
        look();
    });
}
