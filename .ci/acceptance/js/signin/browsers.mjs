// Browsers without scripts, on a phone and on a desk, in two languages.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

const sizes = { phone: { width: 360, height: 640 }, desk: { width: 1280, height: 800 } };

/** Starts the browser, and a place to come back to from the pages. */
export async function openBrowsers(walk, world) {
    const { browser, home } = await walk.must("a browser starts", async () => {
        const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
        const home = createServer((_, response) => response.end("back in the app")).listen(0, "127.0.0.1");
        await new Promise((resolve) => home.once("listening", resolve));
        return { browser, home };
    });
    world.callback = `http://127.0.0.1:${home.address().port}/callback`;
    world.visit = (size, language, visited) => visit(browser, world, size, language, visited);
}

/** Lets visited use a new browser window in which nobody is signed in. */
async function visit(browser, world, size, language, visited) {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: sizes[size], locale: language });
    context.setDefaultTimeout(15_000);
    try {
        return await visited(new Window(world, await context.newPage(), size, language));
    } finally {
        await context.close();
    }
}

class Window {
    constructor(world, page, size, language) {
        Object.assign(this, { world, page, size, language });
    }

    async open(address) {
        const response = await this.page.goto(new URL(address, this.world.baseUrl).href);
        await this.looked();
        return response;
    }

    /** Types into the fields with these labels. */
    async type(fields) {
        for (const [label, text] of Object.entries(fields)) {
            await this.page.getByLabel(label, { exact: true }).fill(text);
        }
    }

    async tick(label) {
        await this.page.getByLabel(label).check();
    }

    async press(button) {
        await this.page.getByRole("button", { name: button, exact: true }).click();
        await this.page.waitForLoadState();
        await this.looked();
    }

    async follow(link) {
        await this.page.getByRole("link", { name: link }).first().click();
        await this.page.waitForLoadState();
        await this.looked();
    }

    async says(text) {
        const body = await this.page.locator("body").innerText();
        assert.ok(body.includes(text), `the page does not say ${JSON.stringify(text)} but:\n${body}`);
    }

    /** Every page fits the window, names itself, and leaves a picture. */
    async looked() {
        if (!this.page.url().startsWith(this.world.baseUrl)) {
            return;
        }
        const { wide, lang, title, heads } = await this.page.evaluate(() => ({
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            lang: document.documentElement.lang,
            title: document.title,
            heads: document.querySelectorAll("h1").length,
        }));
        assert.ok(wide <= 0, `${title} is ${wide} pixels too wide for a ${this.size}`);
        assert.equal(lang, this.language.slice(0, 2), title);
        assert.equal(heads, 1, title);
        if (this.world.screens) {
            await mkdir(this.world.screens, { recursive: true });
            const count = String((this.world.pictures = (this.world.pictures ?? 0) + 1)).padStart(2, "0");
            const name = title.split(" · ")[0].replace(/[^\p{L}\p{N}]+/gu, "-");
            await this.page.screenshot({ path: join(this.world.screens, `${count}-${this.size}-${lang}-${name}.png`), fullPage: true });
        }
    }
}
