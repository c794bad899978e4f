import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FormatError } from "../base/errors.ts";
import { explainSystemError, isFile, parseJson, writeAtomic } from "../base/files.ts";
import { sha256 } from "../base/hash.ts";
import { analyzerNames } from "./analyzer.ts";
import { type Bm25Index, type FieldIndex, fieldNames } from "./bm25-index.ts";

/**
 * One file: 8 bytes of magic, the header's length (32 bits, little-endian), the header as JSON, and the body. The body
 * is the sections one after the other, each padded to 4 bytes: terms (UTF-8, one a line), id ranks, then for each field
 * length bytes, document frequencies, offsets (32 bits each, little-endian) and postings (see `PostingsWriter`).
 */
const fileName = "bm25.index";
const magic = "PRAGBM25";
const version = 1;
const prefixLength = magic.length + 4;

const count = z.int().nonnegative();
const header = z.object({
  version: z.literal(version),
  analyzer: z.enum(analyzerNames),
  passageCount: count,
  termCount: count,
  fields: z
    .array(z.object({ name: z.enum(fieldNames), documentCount: count, termCount: count }))
    .length(fieldNames.length),
  /** Bytes of each section without padding, in the order of the file. */
  sections: z.array(count).length(2 + 4 * fieldNames.length),
  /** SHA-256 of the body. */
  sha256: z.string(),
});

/** Writes an index into a folder, atomically: a reader finds the old one or the new one. */
export async function saveBm25Index(index: Bm25Index, folder: string): Promise<void> {
  const sections = [
    new TextEncoder().encode([...index.terms.keys()].join("\n")),
    bytesOf(index.idRanks),
    ...index.fields.flatMap(({ lengths, documentFrequencies, offsets, postings }) => [
      lengths,
      bytesOf(documentFrequencies),
      bytesOf(offsets),
      postings,
    ]),
  ];
  const body = Buffer.concat(
    sections.flatMap((section) => [section, new Uint8Array(padding(section.length))]),
  );
  const head = Buffer.from(JSON.stringify(headerOf(index, sections, body)));
  const prefix = Buffer.alloc(prefixLength);
  prefix.write(magic, "latin1");
  prefix.writeUInt32LE(head.length, magic.length);
  await writeAtomic(join(folder, fileName), Buffer.concat([prefix, head, body]));
}

function headerOf(
  index: Bm25Index,
  sections: readonly Uint8Array[],
  body: Uint8Array,
): z.input<typeof header> {
  return {
    version,
    analyzer: index.analyzer,
    passageCount: index.passageCount,
    termCount: index.terms.size,
    fields: fieldNames.map((name, i) => {
      const { documentCount, termCount } = index.fields[i]!;
      return { name, documentCount, termCount };
    }),
    sections: sections.map((section) => section.length),
    sha256: sha256(body),
  };
}

/** Whether an index lies in a folder; its content is not looked at. */
export function hasBm25Index(folder: string): Promise<boolean> {
  return isFile(join(folder, fileName));
}

/** Loads an index that `saveBm25Index` wrote; a truncated, damaged or foreign file is a `FormatError`. */
export async function openBm25Index(folder: string): Promise<Bm25Index> {
  const path = join(folder, fileName);
  const file = await readFile(path).catch((error: unknown) => {
    throw explainSystemError(error, path);
  });
  const { head, body } = splitFile(file, path);
  const sections = splitBody(body, head.sections);
  const [termBytes, idRanks, ...parts] = sections;
  const terms = termsOf(termBytes!, head.termCount);
  const fields = head.fields.map(({ documentCount, termCount }, i): FieldIndex => {
    const [lengths, documentFrequencies, offsets, postings] = parts.slice(4 * i, 4 * i + 4);
    return {
      documentCount,
      termCount,
      lengths: lengths!,
      documentFrequencies: numbersOf(documentFrequencies!),
      offsets: numbersOf(offsets!),
      postings: postings!,
    };
  });
  const { analyzer, passageCount } = head;
  return { analyzer, passageCount, terms, idRanks: numbersOf(idRanks!), fields };
}

const advice = "build the index again";

/** Parses the header and checks that the body is whole. */
function splitFile(file: Buffer, path: string): { head: z.output<typeof header>; body: Uint8Array } {
  const isOurs = file.length >= prefixLength && file.toString("latin1", 0, magic.length) === magic;
  if (!isOurs)
    throw new FormatError(`is no BM25 index (does not begin with "${magic}"); ${advice}`, { path });
  const end = prefixLength + file.readUInt32LE(magic.length);
  if (end > file.length) throw new FormatError(`is cut off within its header; ${advice}`, { path });
  const text = file.toString("utf8", prefixLength, end);
  const { version: found } = parseJson(text, z.object({ version: z.number() }), path);
  if (found !== version)
    throw new FormatError(`has format version ${found}, wanted ${version}; ${advice}`, { path });
  const head = parseJson(text, header, path);
  const body = new Uint8Array(file.subarray(end)); // a copy, so that sections are aligned
  const wanted = head.sections.reduce((sum, length) => sum + length + padding(length), 0);
  if (body.length !== wanted)
    throw new FormatError(`has ${body.length} bytes after its header, wanted ${wanted}; ${advice}`, { path });
  if (sha256(body) !== head.sha256)
    throw new FormatError(`is damaged (SHA-256 of its content differs); ${advice}`, { path });
  return { head, body };
}

function splitBody(body: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let start = 0;
  return lengths.map((length) => {
    const section = body.subarray(start, start + length);
    start += length + padding(length);
    return section;
  });
}

function termsOf(bytes: Uint8Array, size: number): Map<string, number> {
  const terms = new Map<string, number>();
  if (size > 0) for (const term of new TextDecoder().decode(bytes).split("\n")) terms.set(term, terms.size);
  return terms;
}

function padding(length: number): number {
  return -length & 3;
}

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function numbersOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
