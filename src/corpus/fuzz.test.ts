import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { openParser, type Parser } from "./read/parser.ts";
import { makeDocx, makePdf } from "./read/sample-files.suite.ts";
import { readDocuments } from "./read-documents.ts";

let folder: string;
let parser: Parser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prag-fuzz-"));
  parser = openParser({ timeoutMs: 20_000 });
});
afterAll(async () => {
  await parser.close();
  await rm(folder, { recursive: true, force: true });
});

const prose = "The lamp of Veyra – 灯塔 등대 – stands *there*. It is [old](x). ".repeat(6);
const samples: Record<string, Buffer> = {
  ".txt": Buffer.from(prose),
  ".md": Buffer.from(
    `---\ntitle: x\n---\n# Title\n\n${prose}\n\n| a | b |\n|---|---|\n\n\`\`\`\ncode\n\`\`\`\n`,
  ),
  ".html": Buffer.from(
    `<html><head><title>x</title></head><body><article><p>${prose}</p></article></body></html>`,
  ),
  ".jsonl": Buffer.from(`{"id":1,"title":"x","text":${JSON.stringify(prose)}}\n`.repeat(3)),
  ".csv": Buffer.from(`id,title,text\n1,x,"${prose}"\n2,y,"a ""b"""\n`),
  ".tsv": Buffer.from(`id\ttext\ttitle\n1\t"${prose}"\tx\n2\t"a ""b"""\ty\n`),
  ".pdf": makePdf([["The lamp of Veyra", "stands there."], ["It is old."]], { title: "x" }),
  ".docx": makeDocx({ heading: "x", paragraphs: [prose, "end"] }),
};

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(256)));
}

/** A few bytes changed, a piece cut out, doubled or put in, or the end cut off. */
function mutate(sample: Buffer, random: Random): Buffer {
  const copy = Buffer.from(sample);
  const at = random.int(copy.length);
  const until = at + random.int(Math.min(200, copy.length - at) + 1);
  switch (random.int(5)) {
    case 0:
      for (let i = random.int(20); i >= 0; i--) copy[random.int(copy.length)] = random.int(256);
      return copy;
    case 1:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(until)]);
    case 2:
      return Buffer.concat([copy.subarray(0, until), copy.subarray(at)]);
    case 3:
      return Buffer.concat([copy.subarray(0, at), randomBytes(random, random.int(60)), copy.subarray(at)]);
    default:
      return copy.subarray(0, at);
  }
}

describe("readers", () => {
  it.each(Object.entries(samples))("survive 300 random and broken %s files", async (extension, sample) => {
    const random = new Random(`fuzz${extension}`);
    const path = join(folder, `file${extension}`);
    let read = 0;
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const isRandom = round % 10 === 0;
      await writeFile(path, isRandom ? randomBytes(random, random.int(2000)) : mutate(sample, random));
      const file = { path, source: "file", extension, size: 1, modifiedMs: 0 };
      const documents = readDocuments(file, { parser });
      let next = await documents.next();
      let count = 0;
      for (; !next.done; next = await documents.next()) {
        count++;
        expect(next.value.passages.length).toBeGreaterThan(0);
      }
      if (count) read++;
      else {
        refused++;
        expect(next.value).toMatch(/^[a-z]/);
      }
    }
    expect(read).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(10);
  });
});
