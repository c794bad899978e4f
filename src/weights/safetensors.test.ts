import { mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FormatError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { bfloat16FromFloat32, float16FromFloat32 } from "./half.ts";
import { encodeSafetensors, openSafetensors, readRaw, readTensor, type TensorData } from "./safetensors.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "prag-safetensors-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function write(bytes: Uint8Array): string {
  const path = join(folder, `${count++}.safetensors`);
  writeFileSync(path, bytes);
  return path;
}

/** A file with this header text (or value), however wrong, and this many bytes of data. */
function handMade(header: unknown, dataBytes: number, statedLength?: bigint): string {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(statedLength ?? BigInt(json.length));
  return write(Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
}

const values = Float32Array.of(0, 1, -2.5, 3.25, 1e-3, -1e4);
const tensors: TensorData[] = [
  { name: "z", dtype: "F32", shape: [2, 3], data: values },
  { name: "bytes", dtype: "I8", shape: [3], data: Int8Array.of(-1, 0, 1) },
  { name: "half", dtype: "F16", shape: [6], data: float16FromFloat32(values) },
  { name: "brain", dtype: "BF16", shape: [3, 2], data: bfloat16FromFloat32(values) },
  { name: "empty", dtype: "F32", shape: [0, 4], data: new Float32Array(0) },
  { name: "scalar", dtype: "I64", shape: [], data: BigInt64Array.of(-7n) },
];

describe("encodeSafetensors", () => {
  it("gives the same bytes whatever the order of tensors and metadata", () => {
    const one = encodeSafetensors(tensors, { b: "2", a: "1" });
    const other = encodeSafetensors(tensors.toReversed(), { a: "1", b: "2" });
    expect(Buffer.compare(one, other)).toBe(0);
  });

  it("writes the documented form: length, header padded to 8 bytes, data at the stated offsets", () => {
    const bytes = Buffer.from(encodeSafetensors(tensors));
    const length = Number(bytes.readBigUInt64LE());
    expect((8 + length) % 8).toBe(0);
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    expect(header.z).toEqual({ dtype: "F32", shape: [2, 3], data_offsets: [8, 32] });
    expect(bytes.readFloatLE(8 + length + 8 + 4 * 2)).toBe(-2.5);
    expect(Object.keys(header)).toEqual(["scalar", "empty", "z", "brain", "half", "bytes"]);
  });

  it("refuses data of another size than the shape has", () => {
    expect(() => encodeSafetensors([{ name: "x", dtype: "F32", shape: [3], data: values }])).toThrow(
      /internal:.*12 bytes, got 24/,
    );
    expect(() => encodeSafetensors([tensors[0]!, tensors[0]!])).toThrow(/internal:/);
  });
});

describe("openSafetensors", () => {
  it("finds what was written, and reads it back", async () => {
    const path = write(encodeSafetensors(tensors, { format: "pt" }));
    const file = await openSafetensors(path);
    expect(file.metadata).toEqual({ format: "pt" });
    expect([...file.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
    expect([...(await readTensor(file.tensors.get("z")!))]).toEqual([...values]);
    expect([...(await readTensor(file.tensors.get("empty")!))]).toEqual([]);
    expect([...(await readRaw(file.tensors.get("bytes")!))]).toEqual([255, 0, 1]);
    expect([...(await readRaw(file.tensors.get("bytes")!, { begin: 1, end: 2 }))]).toEqual([0]);
    const half = await readTensor(file.tensors.get("half")!);
    const brain = await readTensor(file.tensors.get("brain")!);
    for (const [i, value] of values.entries()) {
      expect(Math.abs(half[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11);
      expect(Math.abs(brain[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
    }
  });

  it("gives entries of a link the real file", async () => {
    const path = write(encodeSafetensors(tensors));
    const link = join(folder, "link.safetensors");
    symlinkSync(path, link);
    const { path: real, tensors: entries } = await openSafetensors(link);
    expect(real).toBe(path);
    expect(entries.get("z")!.file).toBe(path);
  });

  it("accepts a file without tensors", async () => {
    expect((await openSafetensors(handMade("{}", 0))).tensors.size).toBe(0);
  });

  it("says that a file is absent", async () => {
    await expect(openSafetensors(join(folder, "none"))).rejects.toThrow(NotFoundError);
  });

  it("does not turn integers into floats", async () => {
    const { tensors: entries } = await openSafetensors(write(encodeSafetensors(tensors)));
    await expect(readTensor(entries.get("scalar")!)).rejects.toThrow(UnsupportedError);
  });

  it("notices a file that shrank after it was opened", async () => {
    const path = write(encodeSafetensors(tensors));
    const { tensors: entries } = await openSafetensors(path);
    truncateSync(path, 400);
    await expect(readRaw(entries.get("bytes")!)).rejects.toThrow(/truncated/);
  });
});

describe("a malformed file is a FormatError with its path", () => {
  const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
    dtype: "F32",
    shape,
    data_offsets: [begin, end],
  });
  const cases: Record<string, [() => string, RegExp]> = {
    "an empty file": [() => write(new Uint8Array(0)), /has 0 bytes/],
    "a file of 7 bytes": [() => write(new Uint8Array(7)), /has 7 bytes/],
    "a folder": [() => folder, /not a file/],
    "an absurd header length": [() => handMade("{}", 0, 2n ** 63n), /9223372036854775808/],
    "a header above 100 MB": [() => handMade("{}", 0, 100_000_001n), /100000001/],
    "a header longer than the file": [() => handMade("{}", 0, 99n), /truncated/],
    "a header that is not JSON": [() => handMade("{nonsense", 0), /not valid JSON/],
    "a header that is not UTF-8": [
      () => write(Buffer.from([4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0xfe, 0x7d])),
      /not valid JSON/,
    ],
    "a header that is an array": [() => handMade("[]", 0), /not a JSON object/],
    "a header that is null": [() => handMade("null", 0), /not a JSON object/],
    "a header nested without end": [() => handMade(`{"a":${"[".repeat(200_000)}`, 0), /not valid JSON/],
    "no dtype": [() => handMade({ a: { shape: [1], data_offsets: [0, 4] } }, 4), /"a.dtype"/],
    "a dtype that does not exist": [
      () => handMade({ a: { dtype: "toString", shape: [1], data_offsets: [0, 4] } }, 4),
      /"toString", wanted one of/,
    ],
    "a shape that is text": [
      () => handMade({ a: { dtype: "F32", shape: "1", data_offsets: [0, 4] } }, 4),
      /"a.shape"/,
    ],
    "a negative dimension": [() => handMade({ a: f32(0, 4, [-1]) }, 4), /"a.shape.0"/],
    "a fractional dimension": [() => handMade({ a: f32(0, 4, [0.5]) }, 4), /"a.shape.0"/],
    "a huge dimension": [() => handMade({ a: f32(0, 4, [2 ** 52, 2 ** 52]) }, 4), /needs .* bytes/],
    "one offset": [() => handMade({ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, 4), /data_offsets/],
    "negative offsets": [() => handMade({ a: f32(-4, 0) }, 4), /data_offsets/],
    "offsets that run backwards": [() => handMade({ a: f32(4, 0, [1]) }, 4), /4–0/],
    "bytes that do not fit the shape": [() => handMade({ a: f32(0, 8, [3]) }, 8), /needs 12 bytes/],
    "offsets beyond the end": [() => handMade({ a: f32(0, 40) }, 20), /truncated/],
    "overlapping tensors": [() => handMade({ a: f32(0, 8), b: f32(4, 12) }, 12), /overlaps/],
    "two tensors in one place": [() => handMade({ a: f32(0, 8), b: f32(0, 8) }, 8), /overlaps/],
    "a hole between tensors": [() => handMade({ a: f32(0, 4), b: f32(8, 12) }, 12), /hole/],
    "a hole at the beginning": [() => handMade({ a: f32(4, 8) }, 8), /hole/],
    "bytes after the last tensor": [() => handMade({ a: f32(0, 4) }, 9), /tensors end at byte/],
    "a name that stands twice": [
      () => {
        const entry = JSON.stringify(f32(0, 4));
        return handMade(`{"a":${entry}, "\\u0061" :${entry}}`, 4);
      },
      /"a" twice/,
    ],
    "a field that stands twice": [
      () => handMade('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      /"dtype" twice/,
    ],
    "metadata that is not text": [() => handMade({ __metadata__: { a: 1 } }, 0), /__metadata__\.a/],
  };

  for (const [name, [make, message]] of Object.entries(cases)) {
    it(name, async () => {
      const path = make();
      const error = await openSafetensors(path).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FormatError);
      expect(error).toMatchObject({ path, message: expect.stringMatching(message) });
    });
  }

  it("keeps odd names apart from the language's own", async () => {
    const header = `{"__proto__":${JSON.stringify(f32(0, 4))},"constructor":${JSON.stringify(f32(4, 8))}}`;
    const { tensors: entries } = await openSafetensors(handMade(header, 8));
    expect([...entries.keys()]).toEqual(["__proto__", "constructor"]);
  });

  it("any damage: it opens or is a FormatError, never anything else", async () => {
    const random = new Random("damage");
    const good = encodeSafetensors(tensors, { format: "pt" });
    const printable = '{}[]":,0123456789-.eFI\\ \n';
    for (let i = 0; i < 400; i++) {
      const bytes = Uint8Array.from(random.int(4) === 0 ? good.subarray(0, random.int(good.length)) : good);
      for (let j = random.int(4); j >= 0 && bytes.length; j--) {
        const position = random.int(bytes.length);
        bytes[position] = random.int(2)
          ? random.int(256)
          : printable.charCodeAt(random.int(printable.length));
      }
      const error = await openSafetensors(write(bytes)).catch((thrown: unknown) => thrown);
      if (error instanceof Error) expect(error).toBeInstanceOf(FormatError);
    }
  });
});
