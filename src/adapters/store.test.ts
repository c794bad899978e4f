import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, FormatError, NotFoundError, ShapeError } from "../base/errors.ts";
import { isLeftover } from "../base/files.ts";
import { Random } from "../base/random.ts";
import { denseDelta, feedForwardShapes, randomAdapter } from "./adapter.suite.ts";
import { encodeAdapter } from "./adapter-file.ts";
import { adapterKey } from "./adapter-key.ts";
import { openAdapterStore } from "./store.ts";

const provenance = { baseModel: { name: "tiny", fingerprint: "f1" }, createdBy: "test" };
const origin = {
  model: "f1",
  passage: { title: "T", text: "x" },
  augmentation: { rewrites: ["y"], pairs: [] },
  prompts: "p1",
  recipe: { name: "packed", rank: 2 },
  init: "i1",
};
const key = adapterKey(origin);
const otherKey = adapterKey({ ...origin, init: "i2" });
const name = "layers.0.mlp.gate_proj";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "adapter-store-")), "adapters");
});
afterEach(() => rm(dirname(folder), { recursive: true, force: true }));

describe("adapterKey", () => {
  it("is the same for equal content, whatever the order of fields", () => {
    const { recipe: _, ...rest } = origin;
    expect(adapterKey({ recipe: { rank: 2, name: "packed" }, ...rest })).toBe(key);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
  });

  it("changes with everything that the numbers depend on, and with nothing else", () => {
    const keys = [
      { ...origin, model: "f2" },
      { ...origin, passage: { title: "U", text: "x" } },
      { ...origin, passage: { title: "Tx", text: "" } },
      { ...origin, augmentation: { rewrites: [], pairs: [] } },
      { ...origin, recipe: { name: "packed", rank: 4 } },
      { ...origin, prompts: "p2" },
      { ...origin, init: "i2" },
    ].map(adapterKey);
    expect(new Set([...keys, key]).size).toBe(8);
    const passage = { title: "T", text: "x", id: "7", documentId: "d", position: 3 };
    expect(adapterKey({ ...origin, passage })).toBe(key);
  });
});

describe("adapter store", () => {
  it("gives back the delta that was saved, with its scaling baked in", async () => {
    const store = openAdapterStore(folder, { dtype: "f32" });
    const adapter = randomAdapter(1);
    expect(await store.has(key)).toBe(false);
    const bytes = await store.save(key, adapter, provenance);
    const loaded = await store.load(key);
    expect(await store.has(key)).toBe(true);
    expect(loaded.config).toMatchObject({ rank: 2, alpha: 2 });
    expect(denseDelta(loaded, name)).toEqual(denseDelta(adapter, name));
    expect(store.path(key)).toBe(join(folder, key.slice(0, 2), `${key}.safetensors`));
    expect(await store.list()).toEqual([{ key, path: store.path(key), bytes }]);
  });

  it("keeps adapters in memory up to its limit, and loads one once for many readers", async () => {
    const store = openAdapterStore(folder, { cacheBytes: 4 * 2 * 2 * 3 * 16 * 1.5 });
    await store.save(key, randomAdapter(1), provenance);
    await store.save(otherKey, randomAdapter(2), provenance);
    const [first, second] = await Promise.all([store.load(key), store.load(key)]);
    expect(second).toBe(first);
    expect(await store.load(key)).toBe(first);
    await store.load(otherKey); // one fits
    expect(await store.load(key)).not.toBe(first);
  });

  it("does not answer from memory after a save or a removal", async () => {
    const store = openAdapterStore(folder, { dtype: "f32" });
    await store.save(key, randomAdapter(1), provenance);
    await store.load(key);
    await store.save(key, randomAdapter(2), provenance);
    expect(denseDelta(await store.load(key), name)).toEqual(denseDelta(randomAdapter(2), name));
    expect(await store.remove(key)).toBe(true);
    expect(await store.remove(key)).toBe(false);
    await expect(store.load(key)).rejects.toThrow(NotFoundError);
  });

  it("is readable by another reader while it is written", async () => {
    const [writer, reader] = [openAdapterStore(folder), openAdapterStore(folder, { cacheBytes: 0 })];
    await writer.save(key, randomAdapter(1), provenance);
    const wanted = await reader.load(key);
    const saves = (async () => {
      for (let i = 0; i < 20; i++) await writer.save(key, randomAdapter(1), provenance);
    })();
    for (let i = 0; i < 20; i++) expect(await reader.load(key)).toEqual(wanted);
    await saves;
  });

  it("writes the same bytes whenever the same is saved", async () => {
    const store = openAdapterStore(folder, { dtype: "int8" });
    await store.save(key, randomAdapter(1), provenance);
    expect(new Uint8Array(await readFile(store.path(key)))).toEqual(
      encodeAdapter(randomAdapter(1), { dtype: "int8", provenance }),
    );
  });

  it("lists keys in order, and nothing else", async () => {
    const store = openAdapterStore(folder);
    expect(await store.list()).toEqual([]);
    for (const each of [otherKey, key]) await store.save(each, randomAdapter(1), provenance);
    await mkdir(join(folder, "zz"));
    await writeFile(join(folder, "notes.txt"), "");
    await writeFile(join(dirname(store.path(key)), "half.safetensors"), "");
    await writeFile(`${store.path(key)}.1.tmp`, "half");
    expect((await store.list()).map((each) => each.key)).toEqual([key, otherKey].sort());
  });

  it("refuses what is no key, since it becomes part of a path", async () => {
    const store = openAdapterStore(folder);
    for (const wrong of ["", "../../etc/passwd", key.toUpperCase(), `${key}0`, `${key}\n`])
      await expect(store.load(wrong)).rejects.toThrow(ConfigError);
  });

  it("says of a missing adapter what to do", async () => {
    await expect(openAdapterStore(folder).load(key)).rejects.toThrow(new RegExp(`no adapter ${key}.*encode`));
  });

  it("refuses adapters of another model, and those that do not fit", async () => {
    await openAdapterStore(folder).save(key, randomAdapter(1), provenance);
    await expect(openAdapterStore(folder, { fingerprint: "f2" }).load(key)).rejects.toThrow(ConfigError);
    const larger = openAdapterStore(folder, { fingerprint: "f1", shapes: feedForwardShapes(2, 8, 10) });
    await expect(larger.load(key)).rejects.toThrow(ShapeError);
    const fewer = openAdapterStore(folder, { fingerprint: "f1", shapes: feedForwardShapes(1) });
    await expect(fewer.load(key)).rejects.toThrow(/no linear layers\.1\.mlp\.gate_proj/);
    const right = openAdapterStore(folder, { fingerprint: "f1", shapes: feedForwardShapes() });
    await expect(right.load(key)).resolves.toBeDefined();
  });

  it("verifies the file, not the memory", async () => {
    const store = openAdapterStore(folder);
    await store.save(key, randomAdapter(1), provenance);
    await store.load(key);
    expect((await store.verify(key)).provenance).toEqual(provenance);
    const bytes = await readFile(store.path(key));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(store.path(key), bytes);
    await expect(store.verify(key)).rejects.toThrow(FormatError);
    await expect(store.verify(key)).rejects.toThrow(/checksum is wrong\); delete it and encode/);
  });

  it.skipIf(process.getuid?.() === 0)("says so where it may not write", async () => {
    await mkdir(folder);
    await chmod(folder, 0o500);
    await expect(openAdapterStore(folder).save(key, randomAdapter(1), provenance)).rejects.toThrow(
      ConfigError,
    );
  });

  it("keeps the old file where a save fails", async () => {
    const store = openAdapterStore(folder);
    await store.save(key, randomAdapter(1), provenance);
    const before = await readFile(store.path(key));
    const wrong = randomAdapter(2);
    wrong.modules.get(name)!.up[0] = Number.NaN;
    await expect(store.save(key, wrong, provenance)).rejects.toThrow(ConfigError);
    expect(await readFile(store.path(key))).toEqual(before);
  });
});

const built = resolve(import.meta.dirname, "../../dist/adapters");

/** Whether the JavaScript that the killed process runs is that of these sources. */
function isBuilt(): boolean {
  const changed = (path: string) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  return ["adapter-file", "stored-factors", "store"].every(
    (file) => changed(join(built, `${file}.js`)) > changed(join(import.meta.dirname, `${file}.ts`)),
  );
}

/** Saves two adapters in turn for ever: first into a new key, then over the old file. */
const writerProgram = `
const [folder, key, built] = process.argv.slice(1);
const { openAdapterStore } = await import(built + "/store.js");
const { createInitialAdapter } = await import(built + "/initialise.js");
const store = openAdapterStore(folder, { dtype: "f32" });
const shapes = [{ name: "layers.0.mlp.gate_proj", inFeatures: 20000, outFeatures: 6 }];
const adapter = createInitialAdapter(shapes, { rank: 2, alpha: 2, targetModules: ["gate_proj"] }, 1);
console.log("ready");
for (let i = 0; ; i++) {
  adapter.modules.get("layers.0.mlp.gate_proj").up.fill(i % 2);
  await store.save(key, adapter, { baseModel: { name: "m", fingerprint: "f" }, createdBy: "test" });
}`;

async function saveUntilKilled(afterMs: number): Promise<void> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", writerProgram, folder, key, built], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((done) => child.stdout.once("data", done));
  await sleep(afterMs);
  const exit = new Promise((done) => child.once("exit", done));
  child.kill("SIGKILL");
  await exit;
}

describe.skipIf(!isBuilt())("a writer that is killed (needs npm run build)", () => {
  it("leaves the old adapter, the new one, or none, and never hinders the next", async () => {
    const random = new Random(1);
    const store = openAdapterStore(folder, { dtype: "f32", cacheBytes: 0 });
    let previous = false;
    for (let round = 0; round < 10; round++) {
      await saveUntilKilled(random.next() * 25);
      const exists = await store.has(key);
      expect(exists || !previous).toBe(true);
      previous = exists;
      expect((await store.list()).length).toBe(exists ? 1 : 0);
      if (!exists) continue;
      const { up } = (await store.load(key)).modules.get(name)!;
      expect(up.every((x) => x === up[0])).toBe(true);
      expect([0, 1]).toContain(up[0]);
      const others = (await readdir(dirname(store.path(key)))).filter(
        (file) => file !== `${key}.safetensors`,
      );
      expect(others.every(isLeftover)).toBe(true);
    }
    expect(previous).toBe(true);
  });
});
