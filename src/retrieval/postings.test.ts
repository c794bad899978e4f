import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { PostingsReader, PostingsWriter } from "./postings.ts";

describe("postings", () => {
  it("come back as they were written", () => {
    const random = new Random(1);
    const written: [number, number][] = [];
    for (let ordinal = 0; written.length < 2000; ordinal += 1 + random.int(4) ** 9)
      written.push([ordinal, 1 + random.int(2) * random.int(100_000)]);
    const writer = new PostingsWriter();
    for (const [ordinal, frequency] of written) writer.add(ordinal, frequency);
    const bytes = writer.bytes();
    const reader = new PostingsReader(bytes, 0, bytes.length);
    const read: [number, number][] = [];
    while (reader.next()) read.push([reader.ordinal, reader.frequency]);
    expect(read).toEqual(written);
    expect(writer.documentFrequency).toBe(2000);
  });

  it("take two bytes at most for a frequent word that stands once", () => {
    const writer = new PostingsWriter();
    for (let ordinal = 0; ordinal < 6300; ordinal += 63) writer.add(ordinal, 1);
    expect(writer.bytes().length).toBe(100);
  });
});
