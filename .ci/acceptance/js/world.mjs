// What every acceptance program here does: read its arguments, take the walks
// one after the other, and say how it went.

import { exec } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import { Walks } from "./walk.mjs";

/** Takes walks, in this order: later ones use what earlier ones made. Ends the process. */
export async function openWorld(walks) {
    const { values: options } = parseArgs({
        options: {
            "url": { type: "string" },
            "restart": { type: "string" },
            "registration-token": { type: "string" },
            "screens": { type: "string" },
        },
    });
    if (!options.url) {
        console.error(`usage: ${process.argv[1]} --url http://127.0.0.1:8008 --restart COMMAND [--registration-token TOKEN]`);
        process.exit(2);
    }

    // Parts of the library log through loggers of their own, which end here.
    // What they have to say stands in our steps.
    for (const level of ["trace", "debug", "info", "warn", "error"]) {
        console[level] = () => {};
    }

    /** Restarts the server; the command returns when it answers again. */
    const restartServer = () => promisify(exec)(options.restart, { timeout: 120_000 });

    const tag = Date.now().toString(36);
    const world = {
        baseUrl: options.url.replace(/\/$/, ""),
        registrationToken: options["registration-token"],
        screens: options.screens, // folder for pictures of pages
        restartServer: options.restart ? restartServer : undefined,
        name: (word) => `${word}-${tag}`, // unique to this run, so that a server can be used again
    };

    const results = new Walks();

    // The library asks for things of its own accord, too. When that fails
    // because a walk has just logged its device out, nobody minds; a fault of
    // the server is one here as well.
    process.on("unhandledRejection", (err) => {
        if (err?.httpStatus >= 500) {
            results.fail("a request of the library's own", err);
        } else {
            console.log(`# a request of the library's own: ${err?.message ?? err}`);
        }
    });

    for (const [name, walk] of Object.entries(walks)) {
        await results.run(name, walk, world);
    }
    // Clients that were not stopped would keep the process alive.
    process.exit(results.summary() ? 0 : 1);
}
