import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CapacityError, FormatError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { createTinyDisk } from "../base/tiny-disk.suite.ts";
import { loadVectors, openVectorWriter, saveVectors, type VectorRecord } from "./vectors-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vectors-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const path = () => join(folder, "vectors.bin");

const header = { embedder: "words", dimensions: 5 };
const random = new Random("vectors");
const records: VectorRecord[] = Array.from({ length: 7 }, (_, i) => ({
  id: `p${i}`.repeat(i + 1),
  vector: Float32Array.from({ length: 5 }, () => random.normal()),
}));
const all = { count: 7, ordinalOf: (id: string) => ordinalOf(records, id) };
function ordinalOf(list: readonly VectorRecord[], id: string): number | undefined {
  const ordinal = list.findIndex((record) => record.id === id);
  return ordinal < 0 ? undefined : ordinal;
}
const rowsOf = (list: readonly VectorRecord[]) =>
  Float32Array.from(list.flatMap(({ vector }) => [...vector]));
async function append(list: readonly VectorRecord[]): Promise<void> {
  const writer = await openVectorWriter(path());
  await writer.append(list);
  await writer.close();
}

describe("a file of vectors", () => {
  it("gives back what was saved and appended, in the order of the passages", async () => {
    await saveVectors(path(), header, records.slice(4));
    await append(records.slice(0, 2));
    await append(records.slice(2, 4));
    expect(await loadVectors(path(), all)).toEqual({
      ...header,
      rows: rowsOf(records),
      ids: records.map(({ id }) => id),
      others: 0,
    });
  });

  it("tells which passages have no vector, and how many vectors nobody wants", async () => {
    await saveVectors(path(), header, records.slice(0, 5));
    const wanted = [records[6]!, records[1]!, records[5]!, records[4]!];
    const loaded = await loadVectors(path(), { count: 4, ordinalOf: (id) => ordinalOf(wanted, id) });
    expect(loaded).toMatchObject({ ids: [undefined, records[1]!.id, undefined, records[4]!.id], others: 3 });
    expect(loaded!.rows.subarray(5, 10)).toEqual(records[1]!.vector);
    expect(loaded!.rows.subarray(0, 5)).toEqual(new Float32Array(5));
  });

  it("is nothing where there is none, and can be empty", async () => {
    expect(await loadVectors(path(), all)).toBeUndefined();
    await saveVectors(path(), header);
    expect(await loadVectors(path(), all)).toMatchObject({ ids: Array(7).fill(undefined), others: 0 });
  });

  it("ignores a last record that was cut off anywhere, and the next writer goes on from there", async () => {
    await saveVectors(path(), header, records.slice(0, 3));
    const whole = await readFile(path());
    await append(records.slice(3, 4));
    const longer = await readFile(path());
    for (let size = whole.length; size < longer.length; size++) {
      await writeFile(path(), longer.subarray(0, size));
      expect((await loadVectors(path(), all))?.ids.map(Boolean)).toEqual([
        ...Array(3).fill(true),
        ...Array(4).fill(false),
      ]);
    }
    await append(records.slice(3, 4));
    expect(await readFile(path())).toEqual(longer);
  });

  it("is refused when it is foreign, cut off within its header, damaged or of another version", async () => {
    await saveVectors(path(), header, records);
    const whole = await readFile(path());
    const refused = async (bytes: Uint8Array, message: RegExp) => {
      await writeFile(path(), bytes);
      await expect(loadVectors(path(), all)).rejects.toThrow(FormatError);
      await expect(loadVectors(path(), all)).rejects.toThrow(message);
      await expect(loadVectors(path(), all)).rejects.toThrow(
        /vectors\.bin: .*; delete the file, and the vectors/,
      );
    };
    await refused(Buffer.alloc(500, "GGUF"), /holds no vectors/);
    await refused(whole.subarray(0, 3), /holds no vectors/);
    await refused(whole.subarray(0, 40), /damaged header/);
    const changed = Buffer.from(whole);
    changed[whole.length - 60]! ^= 1;
    await refused(changed, /checksum of record 5 differs/);
  });

  it("changed anywhere is refused or gives whole records, and never ends the program", async () => {
    await saveVectors(path(), header, records);
    const whole = await readFile(path());
    const outcomes = { refused: 0, shorter: 0 };
    for (let round = 0; round < 300; round++) {
      await writeFile(path(), mutate(whole, random));
      try {
        const loaded = await loadVectors(path(), all);
        for (const [i, { vector }] of records.entries())
          if (loaded!.ids[i] !== undefined) expect(loaded!.rows.subarray(5 * i, 5 * i + 5)).toEqual(vector);
        outcomes.shorter++;
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        outcomes.refused++;
      }
    }
    expect(Math.min(outcomes.refused, outcomes.shorter)).toBeGreaterThan(20);
  });

  it("keeps its whole records when the disk is full", async ({ skip }) => {
    const disk = createTinyDisk(1 << 20);
    if (!disk) return skip("no small disk can be mounted here");
    try {
      const full = join(disk.folder, "vectors.bin");
      await saveVectors(full, header, records);
      const { size } = await stat(full);
      const writer = await openVectorWriter(full);
      const many = Array.from({ length: 60_000 }, () => records[0]!);
      await expect(writer.append(many)).rejects.toThrow(CapacityError);
      await writer.close();
      expect((await stat(full)).size).toBe(size);
    } finally {
      disk.remove();
    }
  });

  it("refuses ids that do not fit a record", async () => {
    const vector = new Float32Array(5);
    await expect(saveVectors(path(), header, [{ id: "x".repeat(33), vector }])).rejects.toThrow(/^internal/);
    await expect(saveVectors(path(), header, [{ id: "", vector }])).rejects.toThrow(/^internal/);
  });
});

/** Some bits turned, a piece cut out, something appended, or the end cut off. */
function mutate(bytes: Buffer, chance: Random): Buffer {
  const copy = Buffer.from(bytes);
  const at = chance.int(copy.length);
  switch (chance.int(4)) {
    case 0:
      for (let i = chance.int(4); i >= 0; i--) copy[chance.int(copy.length)]! ^= 1 << chance.int(8);
      return copy;
    case 1:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + chance.int(80))]);
    case 2:
      return Buffer.concat([copy, Buffer.alloc(chance.int(100), chance.int(256))]);
    default:
      return copy.subarray(0, at);
  }
}
