import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CapacityError } from "../base/errors.ts";
import { acquireLock } from "../base/lock.ts";
import { Random } from "../base/random.ts";
import { buildFloat32Cache } from "./cache.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { bfloat16FromFloat32, float16FromFloat32 } from "./half.ts";
import { encodeSafetensors, readRaw, readTensor, type TensorData } from "./safetensors.ts";

const root = mkdtempSync(join(tmpdir(), "prag-cache-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
const newFolder = () => {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  return folder;
};
async function checkpointOf(tensors: TensorData[]): Promise<Checkpoint> {
  const folder = newFolder();
  writeFileSync(join(folder, "config.json"), "{}");
  writeFileSync(join(folder, "model.safetensors"), encodeSafetensors(tensors));
  return await openCheckpoint(folder);
}

const random = new Random("cache");
const values = Float32Array.from({ length: 12 }, () => random.normal());
const mixed: TensorData[] = [
  { name: "brain", dtype: "BF16", shape: [3, 4], data: bfloat16FromFloat32(values) },
  { name: "half", dtype: "F16", shape: [12], data: float16FromFloat32(values) },
  { name: "single", dtype: "F32", shape: [12], data: values },
  { name: "counts", dtype: "I64", shape: [2], data: BigInt64Array.of(1n, -1n) },
];
const cacheFileOf = (cacheFolder: string, { fingerprint }: Checkpoint) =>
  join(cacheFolder, `float32-${fingerprint.slice(0, 32)}`, "model.safetensors");

describe("buildFloat32Cache", () => {
  it("has the values of the checkpoint in float32, other numbers as they are, under its fingerprint", async () => {
    const checkpoint = await checkpointOf(mixed);
    const cached = await buildFloat32Cache(checkpoint, newFolder());
    expect(cached.fingerprint).toBe(checkpoint.fingerprint);
    expect(cached.folder).toBe(checkpoint.folder);
    for (const name of ["brain", "half", "single"]) {
      const [from, to] = [checkpoint.tensors.get(name)!, cached.tensors.get(name)!];
      expect(to).toMatchObject({ dtype: "F32", shape: from.shape });
      expect(await readTensor(to)).toEqual(await readTensor(from));
    }
    const counts = (tensors: Checkpoint["tensors"]) => readRaw(tensors.get("counts")!);
    expect(await counts(cached.tensors)).toEqual(await counts(checkpoint.tensors));
  });

  it("converts tensors above the size of one piece", async () => {
    const large = Float32Array.from({ length: 9_000_001 }, (_, i) => (i % 251) - 125);
    const tensor = {
      name: "t",
      dtype: "BF16",
      shape: [9_000_001],
      data: bfloat16FromFloat32(large),
    } as const;
    const reports: number[] = [];
    const cached = await buildFloat32Cache(await checkpointOf([tensor]), newFolder(), ({ done, total }) =>
      reports.push(done / total),
    );
    expect(
      Buffer.compare(
        Buffer.from((await readTensor(cached.tensors.get("t")!)).buffer),
        Buffer.from(large.buffer),
      ),
    ).toBe(0);
    expect(reports).toHaveLength(2);
    expect(reports.at(-1)).toBe(1);
  });

  it("is made once, and returns a float32 checkpoint as it is", async () => {
    const [checkpoint, cacheFolder] = [await checkpointOf(mixed), newFolder()];
    await buildFloat32Cache(checkpoint, cacheFolder);
    const { mtimeMs } = statSync(cacheFileOf(cacheFolder, checkpoint));
    await buildFloat32Cache(checkpoint, cacheFolder, () => {
      throw new Error("made twice");
    });
    expect(statSync(cacheFileOf(cacheFolder, checkpoint)).mtimeMs).toBe(mtimeMs);
    const single = await checkpointOf([mixed[2]!]);
    expect(await buildFloat32Cache(single, cacheFolder)).toBe(single);
  });

  it("makes a damaged file and what a killed process left again", async () => {
    const [checkpoint, cacheFolder] = [await checkpointOf(mixed), newFolder()];
    const path = cacheFileOf(cacheFolder, checkpoint);
    mkdirSync(join(path, ".."));
    writeFileSync(path, "damaged");
    writeFileSync(`${path}.part`, "x".repeat(100_000));
    const cached = await buildFloat32Cache(checkpoint, cacheFolder);
    expect(await readTensor(cached.tensors.get("single")!)).toEqual(values);
    expect(readdirSync(join(path, ".."))).toEqual(["model.safetensors"]);
  });

  it("does not convert while another process does", async () => {
    const [checkpoint, cacheFolder] = [await checkpointOf(mixed), newFolder()];
    const lock = await acquireLock(join(cacheFileOf(cacheFolder, checkpoint), ".."), "test");
    await expect(buildFloat32Cache(checkpoint, cacheFolder)).rejects.toThrow(CapacityError);
    await lock.release();
    await buildFloat32Cache(checkpoint, cacheFolder);
  });

  it("says that the disk is full, and leaves nothing behind", async ({ skip }) => {
    if (!existsSync("/dev/full")) skip("this system has no /dev/full");
    const [checkpoint, cacheFolder] = [await checkpointOf(mixed), newFolder()];
    const path = cacheFileOf(cacheFolder, checkpoint);
    mkdirSync(join(path, ".."));
    symlinkSync("/dev/full", `${path}.part`);
    await expect(buildFloat32Cache(checkpoint, cacheFolder)).rejects.toThrow(CapacityError);
    expect(readdirSync(join(path, ".."))).toEqual([]);
    await buildFloat32Cache(checkpoint, cacheFolder);
  });
});
