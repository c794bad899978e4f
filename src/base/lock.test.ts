import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CompiledModules, compileModules } from "./compile.suite.ts";
import { CapacityError, ConfigError } from "./errors.ts";
import { sha256 } from "./hash.ts";
import { acquireLock } from "./lock.ts";
import { Random } from "./random.ts";

const root = mkdtempSync(join(tmpdir(), "prag-lock-"));
let compiled: CompiledModules;
let script: string;
beforeAll(() => {
  compiled = compileModules("base/lock.ts");
  // Each line read is a folder to lock; "release" gives all back. Answers "won", "lost" or an error.
  script = compiled.writeScript(
    "locker.js",
    `import { createInterface } from "node:readline";
     import { acquireLock } from ${JSON.stringify(compiled.urlOf("base/lock.ts"))};
     let locks = [];
     console.log("ready");
     for await (const line of createInterface({ input: process.stdin })) {
       if (line === "release") {
         for (const lock of locks) await lock.release();
         locks = [];
         console.log("released");
       } else {
         await acquireLock(line, "race").then(
           (lock) => { locks.push(lock); console.log("won"); },
           (error) => console.log(error.code === "capacity" ? "lost" : String(error.stack)),
         );
       }
     }`,
  );
});
afterAll(() => {
  compiled.remove();
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
const newFolder = () => join(root, String(count++));

/** A process that takes locks on command. */
class Locker {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
    this.process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async read(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : value;
  }

  async ask(line: string): Promise<string | undefined> {
    this.process.stdin?.write(`${line}\n`);
    return await this.read();
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }
}

async function withLockers(number: number, use: (lockers: Locker[]) => Promise<void>): Promise<void> {
  const lockers = Array.from({ length: number }, () => new Locker());
  try {
    for (const locker of lockers) expect(await locker.read()).toBe("ready");
    await use(lockers);
  } finally {
    for (const locker of lockers) await locker.kill();
  }
}

/** A lock file as a process that no longer exists would have left it. */
const staleOwner = { pid: 2 ** 22 + 1, host: hostname(), started: "1", purpose: "test", nonce: "n" };
function leaveStale(folder: string, owner: object = staleOwner): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "lock"), JSON.stringify(owner));
}

describe("acquireLock", () => {
  it("refuses a second writer and names the first, until it is released", async () => {
    const folder = newFolder();
    const lock = await acquireLock(folder, "encode");
    const second = await acquireLock(folder, "ingest").catch((error: unknown) => error);
    expect(second).toBeInstanceOf(CapacityError);
    expect(second).toMatchObject({ message: expect.stringContaining(`pid ${process.pid}`) });
    expect(second).toMatchObject({ message: expect.stringContaining("encode") });
    expect(second).toMatchObject({ message: expect.not.stringMatching(/another process|stop it|delete/) });
    await lock.release();
    const third = await acquireLock(folder, "ingest");
    await lock.release(); // a second time: must not give back what is no longer its own
    await expect(acquireLock(folder, "ingest")).rejects.toThrow(CapacityError);
    await third.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("takes over the lock of a process that is gone, and cleans up after it", async () => {
    const folder = newFolder();
    leaveStale(folder);
    writeFileSync(join(folder, "lock.candidate.0"), JSON.stringify(staleOwner));
    const lock = await acquireLock(folder, "encode");
    expect(readdirSync(folder)).toEqual(["lock"]);
    expect(readFileSync(join(folder, "lock"), "utf8")).toContain(`"pid":${process.pid}`);
    await lock.release();
  });

  it("takes over when the pid belongs to another process by now", async ({ skip }) => {
    if (process.platform !== "linux") skip("start times of processes are known on Linux only");
    const folder = newFolder();
    leaveStale(folder, { ...staleOwner, pid: process.pid });
    await (await acquireLock(folder, "encode")).release();
  });

  it("takes over a file that is no lock's", async () => {
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, "lock"), "");
    await (await acquireLock(folder, "encode")).release();
  });

  it("never takes over a lock of another machine", async () => {
    const folder = newFolder();
    leaveStale(folder, { ...staleOwner, host: "elsewhere" });
    await expect(acquireLock(folder, "encode")).rejects.toThrow(/on elsewhere/);
  });

  it("never takes over a lock of another container on this host: pids mean others there", async () => {
    const folder = newFolder();
    leaveStale(folder, { ...staleOwner, namespace: "pid:[1]" });
    await expect(acquireLock(folder, "encode")).rejects.toThrow(CapacityError);
  });

  it("takes over although another process died while taking over", async () => {
    const folder = newFolder();
    leaveStale(folder);
    const content = JSON.stringify(staleOwner);
    const deadGuard = JSON.stringify({ ...staleOwner, nonce: "guard" });
    writeFileSync(join(folder, `lock.${sha256(content).slice(0, 16)}`), deadGuard);
    const lock = await acquireLock(folder, "encode");
    expect(readdirSync(folder)).toEqual(["lock"]);
    await lock.release();
  });

  it("leaves the lock alone while a living process takes it over", async () => {
    const folder = newFolder();
    leaveStale(folder);
    const guard = join(folder, `lock.${sha256(JSON.stringify(staleOwner)).slice(0, 16)}`);
    const [host, nonce] = ["elsewhere", "guard"]; // of another machine: counts as living
    writeFileSync(guard, JSON.stringify({ ...staleOwner, host, nonce }));
    await expect(acquireLock(folder, "encode")).rejects.toThrow(/changes hands/);
    expect(readFileSync(join(folder, "lock"), "utf8")).toBe(JSON.stringify(staleOwner));
  });

  it("says that the folder cannot be written", async ({ skip }) => {
    if (process.platform !== "linux") skip("needs a folder where not even root may write: /sys of Linux");
    await expect(acquireLock("/sys/prag-test", "encode")).rejects.toThrow(ConfigError);
  });
});

describe("several processes", () => {
  it("of many that race for a stale lock exactly one wins, again and again", async () => {
    await withLockers(4, async (lockers) => {
      for (let round = 0; round < 60; round++) {
        const folder = newFolder();
        leaveStale(folder, { ...staleOwner, nonce: String(round) });
        const answers = await Promise.all(lockers.map((locker) => locker.ask(folder)));
        expect(answers.toSorted()).toEqual(["lost", "lost", "lost", "won"]);
        await Promise.all(lockers.map((locker) => locker.ask("release")));
        expect(readdirSync(folder)).toEqual([]);
      }
    });
  });

  it("never has two holders while holders are killed at random moments", async () => {
    const folder = newFolder();
    mkdirSync(folder);
    const random = new Random("kills");
    for (let round = 0; round < 6; round++) {
      await withLockers(3, async (lockers) => {
        const answers = lockers.map((locker) => locker.ask(folder));
        await new Promise((resolve) => setTimeout(resolve, random.int(12)));
        const victim = lockers[random.int(3)]!;
        await victim.kill();
        const won = (await Promise.all(answers)).map(
          (answer, i) => answer === "won" && lockers[i] !== victim,
        );
        expect(won.filter(Boolean).length).toBeLessThanOrEqual(1);
        // Whoever is left and asks again gets it if and only if nobody living has it.
        const others = lockers.filter((locker) => locker !== victim);
        const again = await others[0]!.ask(folder);
        expect(again).toBe(won.some(Boolean) ? "lost" : "won");
        for (const locker of lockers) await locker.kill();
      });
    }
  });
});
