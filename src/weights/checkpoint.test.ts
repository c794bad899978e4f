import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { encodeSafetensors, layOutSafetensors, readTensor } from "./safetensors.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "prag-checkpoint-")));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function folderOf(files: Record<string, string | Uint8Array>): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

const weights = (numbers: Record<string, number[]>) =>
  encodeSafetensors(
    Object.entries(numbers).map(([name, data]) => ({
      name,
      dtype: "F32",
      shape: [data.length],
      data: Float32Array.from(data),
    })),
  );
const index = (map: Record<string, string>) => JSON.stringify({ metadata: {}, weight_map: map });
const config = '{"model_type":"llama"}';
const indexName = "model.safetensors.index.json";

describe("openCheckpoint", () => {
  it("opens one file of weights", async () => {
    const folder = folderOf({
      "config.json": config,
      "generation_config.json": '{"eos_token_id":2}',
      "model.safetensors": weights({ a: [1, 2], b: [3] }),
    });
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint).toMatchObject({
      folder,
      config: { model_type: "llama" },
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect([...(await readTensor(checkpoint.tensors.get("a")!))]).toEqual([1, 2]);
  });

  it("opens shards, and follows the links of a hub cache to the real files", async () => {
    const blobs = folderOf({ aaaa: weights({ a: [1] }), bbbb: weights({ b: [2] }), cccc: config });
    const folder = folderOf({ [indexName]: index({ a: "model-1.safetensors", b: "model-2.safetensors" }) });
    symlinkSync(join(blobs, "aaaa"), join(folder, "model-1.safetensors"));
    symlinkSync(join(blobs, "bbbb"), join(folder, "model-2.safetensors"));
    symlinkSync(join(blobs, "cccc"), join(folder, "config.json"));
    const link = join(root, "main");
    symlinkSync(folder, link);
    const checkpoint = await openCheckpoint(link);
    expect(checkpoint.folder).toBe(folder);
    expect(checkpoint.tensors.get("a")!.file).toBe(join(blobs, "aaaa"));
    expect(checkpoint.tensors.get("b")!.file).toBe(join(blobs, "bbbb"));
  });

  it("says which file is absent and what a model folder holds", async () => {
    await expect(openCheckpoint(join(root, "none"))).rejects.toThrow(NotFoundError);
    await expect(openCheckpoint(folderOf({}))).rejects.toThrow(/config\.json does not exist; a model folder/);
    await expect(openCheckpoint(folderOf({ "config.json": config, "model.bin": "" }))).rejects.toThrow(
      /neither model.safetensors nor .*\(found model.bin\); save the model as safetensors/,
    );
  });
});

describe("a malformed checkpoint is a FormatError", () => {
  const cases: Record<string, [Record<string, string | Uint8Array>, RegExp]> = {
    "config that is not JSON": [{ "config.json": "{", "model.safetensors": weights({}) }, /not valid JSON/],
    "damaged weights": [{ "config.json": config, "model.safetensors": "damaged" }, /too few|truncated/],
    "an index without a map": [{ "config.json": config, [indexName]: "{}" }, /weight_map/],
    "a missing shard": [
      { "config.json": config, [indexName]: index({ a: "model-1.safetensors" }) },
      /model-1.safetensors, which is missing; fetch/,
    ],
    "a shard that does not hold its tensor": [
      {
        "config.json": config,
        [indexName]: index({ a: "1.safetensors" }),
        "1.safetensors": weights({ b: [1] }),
      },
      /tensor "a" is not in 1.safetensors/,
    ],
    "a tensor in two shards": [
      {
        "config.json": config,
        [indexName]: index({ a: "1.safetensors", b: "2.safetensors" }),
        "1.safetensors": weights({ a: [1] }),
        "2.safetensors": weights({ a: [1], b: [1] }),
      },
      /tensor "a" is also in .*1.safetensors/,
    ],
  };
  for (const shard of [
    "../x.safetensors",
    "/x.safetensors",
    "a\\x.safetensors",
    "a/x.safetensors",
    "x",
    "x\0.safetensors",
  ]) {
    cases[`a shard named ${JSON.stringify(shard)}`] = [
      { "config.json": config, [indexName]: index({ a: shard }) },
      /wanted the name of a .safetensors file in the same folder/,
    ];
  }
  for (const [name, [files, message]] of Object.entries(cases)) {
    it(name, async () => {
      const error = await openCheckpoint(folderOf(files)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FormatError);
      expect(error).toMatchObject({ message: expect.stringMatching(message) });
    });
  }
});

describe("the fingerprint", () => {
  const fingerprint = async (files: Record<string, string | Uint8Array>) =>
    (await openCheckpoint(folderOf(files))).fingerprint;
  const plain = { "config.json": config, "model.safetensors": weights({ a: [1, 2], b: [3] }) };

  it("is that of the content, not of the place or the spelling of the config", async () => {
    const same = await fingerprint({ ...plain, "config.json": '{\n "model_type": "llama"\n}' });
    expect(await fingerprint(plain)).toBe(same);
  });

  it("changes with the config, a weight, a name and a shape", async () => {
    const others = [
      { ...plain, "config.json": '{"model_type":"qwen2"}' },
      { ...plain, "model.safetensors": weights({ a: [1, 2], b: [3.0001] }) },
      { ...plain, "model.safetensors": weights({ a: [1, 2], c: [3] }) },
      { ...plain, "model.safetensors": weights({ a: [1], b: [2, 3] }) },
    ];
    const all = await Promise.all([plain, ...others].map(fingerprint));
    expect(new Set(all).size).toBe(5);
  });

  it("sees a change in any one tensor of a large file", async () => {
    // Above 64 MB only samples are hashed: here of ten tensors, 7 MB each.
    const data = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`t${i}`, new Uint8Array(7_000_000)]),
    );
    const write = () =>
      encodeSafetensors(
        Object.entries(data).map(([name, bytes]) => ({
          name,
          dtype: "U8",
          shape: [bytes.length],
          data: bytes,
        })),
      );
    const seen = new Set([await fingerprint({ "config.json": config, "model.safetensors": write() })]);
    for (const name of ["t0", "t9"]) {
      for (let i = 0; i < 7_000_000; i++) data[name]![i] = i % 251;
      seen.add(await fingerprint({ "config.json": config, "model.safetensors": write() }));
    }
    expect(seen.size).toBe(3);
  });

  it("reads a sample of the weights only", async () => {
    // A file of holes of 250 GB, no byte of them on the disk: read whole, it would take minutes.
    const shape = [830_000_000];
    const layout = Array.from({ length: 150 }, (_, i) => ({
      name: `layers.${i}`,
      dtype: "BF16" as const,
      shape,
    }));
    const { header, byteLength } = layOutSafetensors(layout);
    const folder = folderOf({ "config.json": config, "model.safetensors": header });
    truncateSync(join(folder, "model.safetensors"), byteLength);
    expect(byteLength).toBeGreaterThan(2.4e11);
    expect((await openCheckpoint(folder)).fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });
});
