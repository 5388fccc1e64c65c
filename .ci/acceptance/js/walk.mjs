// The smallest runner that fits: a walk is a row of named steps against one
// server, told in the order in which a person would do them. Steps share what
// earlier steps made, so a step that others build on is a "must": when it
// fails, the rest of its walk is given up instead of failing one by one.

import assert from "node:assert/strict";

/** Thrown by a failed must(); ends the walk, not the program. */
class GivenUp extends Error {}

export class Walks {
    passed = 0;
    failures = [];

    /** Runs one walk; fn gets a Walk and the shared context. */
    async run(name, fn, context) {
        const walk = new Walk(this, name);
        const started = Date.now();
        try {
            await fn(walk, context);
        } catch (err) {
            if (!(err instanceof GivenUp)) {
                this.fail(`${name}: between steps`, err);
            }
        }
        console.log(`# ${name}: ${Date.now() - started} ms`);
    }

    fail(name, err) {
        this.failures.push(name);
        console.log(`not ok  ${name}`);
        console.log(indent(describe(err)));
    }

    /** Prints the failures again and the summary, which is the last line. */
    summary() {
        if (this.failures.length > 0) {
            console.log("\nfailed:");
            this.failures.forEach((name) => console.log(`  ${name}`));
        }
        console.log(`${this.passed} passed, ${this.failures.length} failed`);
        return this.failures.length === 0 && this.passed > 0;
    }
}

class Walk {
    constructor(walks, name) {
        this.walks = walks;
        this.name = name;
    }

    /** One step. Answers what fn answers, undefined when it failed. */
    async step(name, fn) {
        const full = `${this.name}: ${name}`;
        const started = Date.now();
        try {
            const result = await fn();
            this.walks.passed++;
            console.log(`ok      ${full} (${Date.now() - started} ms)`);
            return result;
        } catch (err) {
            this.walks.fail(full, err);
            return undefined;
        }
    }

    /** A step without which the rest of the walk makes no sense. */
    async must(name, fn) {
        const before = this.walks.failures.length;
        const result = await this.step(name, fn);
        if (this.walks.failures.length > before) {
            throw new GivenUp(name);
        }
        return result;
    }
}

/**
 * Asserts that a request is refused with this HTTP status and error code.
 * Without a code any will do: there the standard leaves it open, or servers
 * differ.
 */
export async function refused(promise, status, errcode) {
    let answer;
    try {
        answer = await promise;
    } catch (err) {
        assert.deepEqual(
            { status: err.httpStatus, errcode: errcode && err.errcode },
            { status, errcode },
            `refused, but otherwise: ${err.message}`,
        );
        return;
    }
    assert.fail(`want ${status} ${errcode}, but it was allowed: ${JSON.stringify(answer)}`);
}

function describe(err) {
    if (err?.httpStatus) {
        return `HTTP ${err.httpStatus} ${err.errcode ?? ""}: ${err.message}\n${frames(err)}`;
    }
    return `${err?.message ?? err}\n${frames(err)}`;
}

// Only our own frames: the client library's say nothing about the server.
function frames(err) {
    return String(err?.stack ?? "")
        .split("\n")
        .filter((line) => line.includes("/walks/"))
        .slice(0, 3)
        .map((line) => line.trim().replace(/file:.*\/walks\//, "walks/"))
        .join("\n");
}

function indent(text) {
    return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => `        ${line}`)
        .join("\n");
}
