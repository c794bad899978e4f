import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CapacityError, FormatError, InputError, NotFoundError } from "../base/errors.ts";
import type { JobRow } from "../engine/api.ts";
import { openHeat } from "./heat.ts";
import { JobQueue, type JobTask } from "./job-queue.ts";
import { Traffic } from "./traffic.ts";

describe("heat", () => {
  let folder: string;
  let nowMs = 0;
  const open = () => openHeat(folder, { halfLifeMs: 1000, now: () => nowMs });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "prag-heat-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("adds one with each retrieval and halves with each half-life", async () => {
    const heat = await open();
    heat.touch("a", ["p"]);
    expect(heat.heatOf("a", "p")).toBe(1);
    nowMs += 1000;
    expect(heat.heatOf("a", "p")).toBe(0.5);
    heat.touch("a", ["p", "q"]);
    expect(heat.heatOf("a", "p")).toBe(1.5);
    expect(heat.hottest("a", 0.9)).toEqual(["p", "q"]);
    expect(heat.hottest("a", 1.2)).toEqual(["p"]);
    expect(heat.heatOf("b", "p")).toBe(0);
  });

  it("survives a restart as it was saved, and forgets what is cold", async () => {
    const heat = await open();
    heat.touch("a", ["z", "y", "y"]);
    await heat.save();
    expect((await open()).hottest("a", 0)).toEqual(["y", "z"]);
    nowMs += 6000;
    heat.touch("a", ["w"]);
    await heat.save();
    expect(heat.hottest("a", 0)).toEqual(["w"]);
    expect((await open()).hottest("a", 0)).toEqual(["w"]);
    heat.forget("a");
    await heat.save();
    expect((await open()).collections()).toEqual([]);
  });

  it("writes nothing where nothing has changed, and refuses a file that it does not understand", async () => {
    const heat = await open();
    heat.touch("a", ["p"]);
    await heat.save();
    const before = await readFile(join(folder, "heat.json"), "utf8");
    nowMs += 1;
    await heat.save();
    expect(await readFile(join(folder, "heat.json"), "utf8")).toBe(before);
    await writeFile(join(folder, "heat.json"), '{"format":9}');
    await expect(open()).rejects.toThrow(FormatError);
  });
});

describe("traffic", () => {
  it("is quiet at once where nothing is in flight, and when the last request has ended", async () => {
    const traffic = new Traffic();
    await traffic.whenQuiet();
    const [a, b] = [traffic.enter(), traffic.enter()];
    let isQuiet = false;
    const quiet = traffic.whenQuiet().then(() => {
      isQuiet = true;
    });
    a();
    a();
    await sleep(5);
    expect([isQuiet, traffic.inFlight]).toEqual([false, 1]);
    b();
    await quiet;
    expect(traffic.inFlight).toBe(0);
  });

  it("does not wait for ever: a limit and a signal end it", async () => {
    const traffic = new Traffic();
    traffic.enter();
    await traffic.whenQuiet({ maxPauseMs: 5, quietMs: 1 });
    await traffic.whenQuiet({ signal: AbortSignal.abort() });
    const stop = new AbortController();
    const waiting = traffic.whenQuiet({ signal: stop.signal });
    stop.abort();
    await waiting;
    expect(traffic.inFlight).toBe(1);
  });
});

describe("a job queue", () => {
  const now = () => 0;
  const task = (run: JobTask["run"], collection = "a"): JobTask => ({ kind: "encode", collection, run });

  it("runs one job after the other, in order", async () => {
    const queue = new JobQueue({ now });
    const log: string[] = [];
    const rows = ["a", "b", "c"].map((name) =>
      queue.add(
        task(async () => {
          log.push(`${name} begins`);
          await sleep(2);
          log.push(`${name} ends`);
          return null;
        }, name),
      ),
    );
    expect(queue.current).toMatchObject({ collection: "a", state: "running" });
    for (const { id } of rows) expect((await queue.end(id)).state).toBe("done");
    expect(log).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
    expect([queue.isIdle, queue.current]).toEqual([true, undefined]);
    expect(queue.rows().map(({ collection }) => collection)).toEqual(["c", "b", "a"]);
  });

  it("tells progress, losses and what went wrong; a bug's words stay within", async () => {
    const bugs: unknown[] = [];
    const queue = new JobQueue({ now, onBug: (error) => bugs.push(error) });
    const { id } = queue.add(
      task(async ({ progress, onLoss }) => {
        progress({ task: "encode", done: 1, total: 4 });
        for (const [update, loss] of [
          [1, 3],
          [2, 2],
          [1, 5],
        ] as const)
          onLoss(update, loss);
        throw new InputError("nothing to do");
      }),
    );
    const seen: JobRow[] = [];
    for await (const row of queue.watch(id)) seen.push(row);
    expect(seen.at(-1)).toMatchObject({
      state: "failed",
      progress: { task: "encode", done: 1, total: 4 },
      losses: [5],
      error: { message: "nothing to do", code: "input" },
    });
    const other = queue.add(task(() => Promise.reject(new Error("internal: secret"))));
    expect(JSON.stringify(await queue.end(other.id))).not.toContain("secret");
    expect(bugs).toHaveLength(1);
  });

  it("cancels what waits and what runs, and the next one begins", async () => {
    const queue = new JobQueue({ now });
    const endless = task(
      ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const [running, waiting, last] = [
      queue.add(endless),
      queue.add(endless),
      queue.add(task(async () => null)),
    ];
    expect((await queue.cancel(waiting.id)).state).toBe("cancelled");
    expect((await queue.cancel(running.id)).state).toBe("cancelled");
    expect((await queue.end(last.id)).state).toBe("done");
    expect((await queue.cancel(last.id)).state).toBe("done");
    const open = queue.add(endless);
    let isBegun = false;
    const later = [1, 2].map(() =>
      queue.add(
        task(async () => {
          isBegun = true;
          return null;
        }),
      ),
    );
    await queue.close();
    for (const { id } of [open, ...later]) expect(queue.row(id).state).toBe("cancelled");
    expect(isBegun).toBe(false);
  });

  it("refuses a job where a hundred wait", async () => {
    const queue = new JobQueue({ now });
    const endless = task(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", reject)),
    );
    for (let i = 0; i < 101; i++) queue.add(endless);
    expect(() => queue.add(endless)).toThrow(CapacityError);
    await queue.cancel(queue.rows()[0]!.id);
    queue.add(endless);
    await queue.close();
  });

  it("remembers the last fifty that have ended", async () => {
    const queue = new JobQueue({ now });
    const rows = Array.from({ length: 60 }, () => queue.add(task(async () => null)));
    await queue.end(rows[59]!.id);
    expect(queue.rows()).toHaveLength(50);
    expect(() => queue.row(rows[0]!.id)).toThrow(NotFoundError);
  });
});
