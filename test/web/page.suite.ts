import { execFile } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { startFakeServer } from "./fake-server.ts";
import { emptyWorld, type FakeWorld } from "./fake-world.ts";

const root = resolve(import.meta.dirname, "../..");
const target = join(root, "dist", "web");

/**
 * The built page, brought up to date. It is built elsewhere and moved to its place as a whole, because another test may be
 * using or packing it at the same time.
 */
export async function builtPage(): Promise<string> {
  if (newest(join(root, "web")) < changedMs(join(target, "index.html"))) return target;
  await mkdir(join(root, ".vitest"), { recursive: true });
  const folder = await mkdtemp(join(root, ".vitest", "web-"));
  // In a process of its own: within a test runner Vite would build for tests.
  await promisify(execFile)("npm", ["run", "--silent", "build:web", "--", "--outDir", folder], {
    cwd: root,
    env: { ...process.env, NODE_ENV: "production" },
  });
  const old = `${folder}-old`;
  await rename(target, old).catch(() => {}); // there may be none
  await rename(folder, target).catch(() => {}); // or another test was first
  for (const rest of [folder, old]) await rm(rest, { recursive: true, force: true });
  return target;
}

/** When a file of the folder was last changed, in ms since 1970. */
function newest(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return Math.max(...names.map((name) => changedMs(join(folder, name))));
}

function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The browser of this machine; undefined where there is none. */
export function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? "").split(":");
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** How one test opens the page. */
export interface OpenOptions {
  world?: FakeWorld;
  context?: BrowserContextOptions;
  /** Part of the address after `#/`. */
  route?: string;
}

/** A page over a fake server of its own. */
export interface OpenedPage {
  page: Page;
  world: FakeWorld;
  server: Awaited<ReturnType<typeof startFakeServer>>;
  /** The same server again, after it was closed. */
  restart(): Promise<void>;
}

/** Describes tests in a real browser; where there is none they are skipped, and say why. No test may leave an error in the console. */
export function describePage(
  name: string,
  tests: (open: (options?: OpenOptions) => Promise<OpenedPage>) => void,
): void {
  const executablePath = findBrowser();
  if (!executablePath)
    console.warn(`skipped: ${name}: no browser was found (install Debian's package chromium)`);
  describe.skipIf(!executablePath)(name, { timeout: 180_000 }, () => {
    let browser: Browser | undefined;
    let folder = "";
    const closing: (() => Promise<void>)[] = [];
    const errors: string[] = [];
    beforeAll(async () => {
      // A copy, because a build of the whole package would take the page away for a moment.
      folder = await mkdtemp(join(tmpdir(), "prag-page-"));
      await cp(await builtPage(), folder, { recursive: true });
      browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ["--no-sandbox"] });
    }, 120_000);
    afterAll(async () => {
      await browser?.close();
      if (folder) await rm(folder, { recursive: true, force: true });
    });
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close();
      expect(errors.splice(0)).toEqual([]);
    });
    tests(async ({ world = emptyWorld(), context: options = {}, route = "" } = {}) => {
      if (!browser) throw new Error("the browser has not started");
      const server = await startFakeServer(world, { folder, prefix: "/below/here" });
      const context = await browser.newContext({ ...options });
      closing.push(server.close, () => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(45_000);
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => {
        // An answer of 400 and above is an error to the browser, and an answer to the page.
        if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
          errors.push(message.text());
      });
      await page.goto(route ? `${server.url}#/${route}` : server.url);
      await page.getByRole("heading", { level: 1 }).waitFor();
      const restart = async () => {
        const again = await startFakeServer(world, { folder, prefix: "/below/here", port: server.port });
        closing.unshift(again.close);
      };
      return { page, world, server, restart };
    });
  });
}

/** A world with some passages. */
export function filledWorld(count: number, { isEncoded = true } = {}): FakeWorld {
  const passages = Array.from({ length: count }, (_, i) => ({
    id: `${i + 10}ab`,
    title: i === 0 ? "Velm Lighthouse" : `Chronicle of Ostry ${i}`,
    text: "Velm Lighthouse was built in 1874 by the engineer Ada Korvin, who also drew the harbour wall of Ostry.",
    isEncoded,
  }));
  return { ...emptyWorld(), collections: new Map([["default", passages]]) };
}
