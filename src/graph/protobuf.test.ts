import { describe, expect, it } from "vitest";
import { ProtobufWriter } from "./protobuf.ts";
import { readFields } from "./protobuf-reader.suite.ts";

const hex = (writer: ProtobufWriter) => Buffer.from(writer.bytes).toString("hex");

describe("ProtobufWriter", () => {
  it("writes the examples of the format's description", () => {
    expect(hex(new ProtobufWriter().int(1, 150))).toBe("089601");
    expect(hex(new ProtobufWriter().string(2, "testing"))).toBe("120774657374696e67");
    expect(hex(new ProtobufWriter().message(3, (inner) => inner.int(1, 150)))).toBe("1a03089601");
  });

  it("writes whole numbers of up to 53 bits, negative ones as 64-bit two's complement", () => {
    const numbers = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER];
    for (const value of numbers) {
      expect(readFields(new ProtobufWriter().int(7, value).bytes)).toEqual([
        { field: 7, value: BigInt(value) },
      ]);
    }
    expect(hex(new ProtobufWriter().int(1, -1))).toBe("08ffffffffffffffffff01");
    const [negative] = readFields(new ProtobufWriter().int(1, -123_456_789_012).bytes);
    expect(negative!.value).toBe(2n ** 64n - 123_456_789_012n);
  });

  it("writes fields above 15, floats, empty and long texts, and order as called", () => {
    const long = "ä".repeat(1000);
    const writer = new ProtobufWriter().float(2, -1.5).int(20, 7).string(4, "").string(200, long);
    const decoded = readFields(writer.bytes).map(({ field, value }) => [
      field,
      value instanceof Uint8Array ? new TextDecoder().decode(value) : Number(value),
    ]);
    expect(decoded).toEqual([
      [2, -1.5],
      [20, 7],
      [4, ""],
      [200, long],
    ]);
  });

  it("nests messages to any depth, each with its own length", () => {
    const nest = (writer: ProtobufWriter, depth: number): ProtobufWriter =>
      depth === 0 ? writer.string(1, "core") : writer.message(1, (inner) => nest(inner, depth - 1));
    let bytes = nest(new ProtobufWriter(), 40).bytes;
    for (let depth = 0; depth < 40; depth++) {
      const [field, ...others] = readFields(bytes);
      expect(others).toEqual([]);
      if (!(field?.value instanceof Uint8Array)) throw new Error("not a message");
      bytes = field.value;
    }
    expect(hex(new ProtobufWriter().string(1, "core"))).toBe(Buffer.from(bytes).toString("hex"));
  });
});
