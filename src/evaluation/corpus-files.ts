import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { FormatError, InputError, messageOf, systemCode } from "../base/errors.ts";
import { explainSystemError, isFile, readJsonIfPresent, writeAtomic, writeJson } from "../base/files.ts";
import { canonicalJson, sha256, sha256OfFile } from "../base/hash.ts";
import { findFiles } from "../corpus/find-files.ts";
import type { Question } from "./questions.ts";

/** The files of a corpus, ready to be ingested. */
export interface CorpusFiles {
  /** For reports. */
  name: string;
  /** Of names and contents. */
  hash: string;
  /** Inputs of an ingest, relative to `base`. */
  base: string;
  inputs: string[];
}

/** Finds the files of a corpus; packed ones are unpacked below the work folder, once. */
export async function locateCorpus(paths: readonly string[], workFolder: string): Promise<CorpusFiles> {
  const first = paths[0];
  if (first === undefined) throw new InputError("a corpus needs at least one file or folder");
  const plain = await Promise.all(paths.map((path) => unpackIfPacked(path, workFolder)));
  const base = dirname(plain[0] ?? first);
  const inputs = plain.map((path) => relative(base, path) || ".");
  const { files, skipped } = await findFiles(inputs, base);
  const missing = skipped[0];
  if (files.length === 0)
    throw new InputError(`no file of the corpus can be read: ${missing?.source}: ${missing?.reason}`);
  const contents: [string, string][] = [];
  const hashes = await openHashes(workFolder);
  for (const { source, path } of files) contents.push([source, await hashes.of(path)]);
  await hashes.save();
  return {
    name: paths.map((path) => basename(path).replace(/(\.\w+)?(\.gz)?$/, "")).join("+"),
    hash: sha256(canonicalJson(contents)),
    base,
    inputs,
  };
}

/** The questions' own paragraphs as a corpus: each once, in the order in which they first come. */
export async function writeContexts(
  questions: readonly Question[],
  workFolder: string,
): Promise<CorpusFiles> {
  const rows = new Set(
    questions.flatMap(({ paragraphs }) =>
      paragraphs.map(({ title, text }) => JSON.stringify({ title, text })),
    ),
  );
  if (rows.size === 0)
    throw new InputError("the dataset gives no paragraphs with its questions; name files with --corpus");
  const content = [...rows].map((row) => `${row}\n`).join("");
  const hash = sha256(content);
  const base = join(workFolder, hash.slice(0, 16));
  const input = "contexts.jsonl";
  if (!(await isFile(join(base, input)))) await writeAtomic(join(base, input), content);
  return { name: "contexts", hash, base, inputs: [input] };
}

/** The path itself, or that of the unpacked file. */
async function unpackIfPacked(path: string, workFolder: string): Promise<string> {
  if (!path.endsWith(".gz")) return path;
  const hashes = await openHashes(workFolder);
  const hash = await hashes.of(path).catch((error: unknown) => {
    throw explainSystemError(error, path);
  });
  await hashes.save();
  const target = join(workFolder, hash.slice(0, 16), basename(path, ".gz"));
  if (await isFile(target)) return target;
  const half = `${target}.${process.pid}.half`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const file = await open(half, "w");
    await pipeline(createReadStream(path), createGunzip(), file.createWriteStream());
    await rename(half, target);
    return target;
  } catch (error) {
    await rm(half, { force: true });
    if (systemCode(error)?.startsWith("Z_"))
      throw new FormatError(`cannot be unpacked (${messageOf(error)}); fetch the file again`, {
        path,
        cause: error,
      });
    throw explainSystemError(error, target);
  }
}

const hashesSchema = z.record(
  z.string(),
  z.object({ size: z.number(), modifiedMs: z.number(), hash: z.string() }),
);

/** Hashes of files, kept with size and time of change: a corpus of gigabytes is read once, not at every start. */
async function openHashes(workFolder: string) {
  const path = join(workFolder, "hashes.json");
  const known = { ...(await readJsonIfPresent(path, hashesSchema)) };
  let isChanged = false;
  return {
    async of(file: string): Promise<string> {
      const { size, mtimeMs: modifiedMs } = await stat(file);
      const row = known[resolve(file)];
      if (row?.size === size && row.modifiedMs === modifiedMs) return row.hash;
      const hash = await sha256OfFile(file);
      known[resolve(file)] = { size, modifiedMs, hash };
      isChanged = true;
      return hash;
    },
    save: async () => (isChanged ? writeJson(path, known) : undefined),
  };
}
