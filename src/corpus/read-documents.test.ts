import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chunk } from "./chunk.ts";
import { openParser, type Parser } from "./read/parser.ts";
import { type CutDocument, readDocuments } from "./read-documents.ts";

let folder: string;
let parser: Parser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prag-documents-"));
  parser = openParser();
});
afterAll(async () => {
  await parser.close();
  await rm(folder, { recursive: true, force: true });
});

async function read(name: string, content: string, signal?: AbortSignal): Promise<CutDocument[]> {
  const path = join(folder, name);
  await writeFile(path, content);
  const file = { path, source: name, extension: extname(name), size: content.length, modifiedMs: 0 };
  const documents: CutDocument[] = [];
  for await (const document of readDocuments(file, { parser, signal })) documents.push(document);
  return documents;
}

const prose = "The lamp of Veyra stands on a rock, and its light is seen from far away.\n".repeat(5000);
const files: [name: string, content: string][] = [
  ["prose.txt", prose],
  ["one-sentence.txt", prose.toLowerCase().replaceAll(".", "")],
  ["prose.md", prose],
  ["prose.jsonl", JSON.stringify({ text: prose })],
  ["prose.csv", `text\n"${prose}"\n`],
];

describe("readDocuments", () => {
  it.each(files)("lets others have their turns within one record (%s)", async (name, content) => {
    let isOver = false;
    const reading = read(name, content).finally(() => (isOver = true));
    let turns = 0;
    for (; !isOver; turns++) await setImmediate();
    expect(turns).toBeGreaterThan(content.length / 2 ** 15);
    const [document] = await reading;
    expect(document?.passages.map(({ text }) => text)).toEqual(chunk(document?.document.text ?? ""));
  });

  it.each(files)("stops within a record (%s)", async (name, content) => {
    const controller = new AbortController();
    const reading = read(name, content, controller.signal);
    setTimeout(() => controller.abort(new Error("enough")), 30);
    await expect(reading).rejects.toThrow("enough");
  });
});
