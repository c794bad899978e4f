import { describe, expect, it } from "vitest";
import { InputError } from "../../base/errors.ts";
import { makeZip } from "./sample-files.suite.ts";
import { checkZip } from "./zip.ts";

const zeros = Buffer.alloc(2 ** 20);

describe("checkZip", () => {
  it("lets an archive within the limit pass", () => {
    const entries = [
      { name: "a", data: zeros },
      { name: "b/c", data: "text" },
    ];
    checkZip(makeZip(entries), 2 ** 20 + 4);
    checkZip(makeZip(entries, { compress: true }), 2 ** 20 + 4);
  });

  it.each([
    ["declares its size", [{ name: "a", data: zeros }]],
    ["hides its size", [{ name: "a", data: zeros, declaredSize: 10 }]],
    ["declares a size that it has not", [{ name: "a", data: "x", declaredSize: 2 ** 31 }]],
    ["is large in sum", Array.from({ length: 5 }, () => ({ name: "a", data: zeros.subarray(0, 2 ** 18) }))],
  ])("stops a bomb that %s", (_, entries) => {
    for (const compress of [true, false])
      expect(() => checkZip(makeZip(entries, { compress }), 2 ** 20 - 1)).toThrow(/^too large/);
  });

  it("refuses a second directory before the end, which unpackers would read in place of the named one", () => {
    const harmless = makeZip([{ name: "a", data: "text" }]);
    const end = harmless.lastIndexOf("PK\x05\x06");
    const start = harmless.indexOf("PK\x01\x02");
    const second = harmless.subarray(start, end);
    const doubled = Buffer.concat([harmless.subarray(0, end), second, harmless.subarray(end)]);
    expect(() => checkZip(doubled, 1000)).toThrow(/malformed archive/);
    const longer = Buffer.from(doubled);
    longer.writeUInt32LE(2 * second.length, longer.lastIndexOf("PK\x05\x06") + 12);
    checkZip(longer, 1000); // two entries, told as such
    const hidden = Buffer.from(harmless);
    hidden.writeUInt32LE(second.length - 1, end + 12);
    expect(() => checkZip(hidden, 1000)).toThrow(/malformed archive/);
  });

  it("refuses ZIP64, with which unpackers would read another directory", () => {
    const harmless = makeZip([{ name: "a", data: "text" }]);
    const end = harmless.lastIndexOf("PK\x05\x06");
    for (const [at, bytes] of [...[4, 6, 8, 10].map((at) => [at, 2]), [12, 4], [16, 4]] as const) {
      const marked = Buffer.from(harmless).fill(0xff, end + at, end + at + bytes);
      expect(() => checkZip(marked, 1000), `${at}`).toThrow(/ZIP64/);
    }
    const locator = Buffer.alloc(20);
    locator.write("PK\x06\x07", "latin1");
    const located = Buffer.concat([harmless.subarray(0, end), locator, harmless.subarray(end)]);
    expect(() => checkZip(located, 1000)).toThrow(/ZIP64/);
  });

  it("refuses what is no archive, is cut off or encrypted", () => {
    const whole = makeZip([{ name: "a", data: "text" }]);
    for (const bytes of [Buffer.alloc(0), Buffer.from("text"), whole.subarray(10), whole.subarray(0, -10)])
      expect(() => checkZip(bytes, 1000)).toThrow(InputError);
    const encrypted = Buffer.from(whole);
    encrypted.writeUInt16LE(1, whole.indexOf("PK\x01\x02") + 8);
    expect(() => checkZip(encrypted, 1000)).toThrow(/^encrypted/);
  });
});
