import { stat } from "node:fs/promises";
import { z } from "zod";
import { ConfigError, FormatError, NotFoundError, systemCode, UnsupportedError } from "../base/errors.ts";
import { parseValue } from "../base/files.ts";
import { type JsonlWriter, openJsonl, readJsonl } from "../base/jsonl.ts";
import type { Adapter } from "./adapter.ts";
import { isAdapterKey } from "./adapter-key.ts";

const formatVersion = 1;

const headerSchema = z.object({
  formatVersion: z.int(),
  model: z.object({ name: z.string(), fingerprint: z.string() }),
  recipe: z.string(),
});

const rowSchema = z.object({
  passageId: z.string().min(1),
  key: z.string().refine(isAdapterKey, "must be 64 hexadecimal digits").nullable(),
  seconds: z.number().nonnegative().optional(),
  trainingTokens: z.int().nonnegative().optional(),
  losses: z.array(z.number()).optional(),
  /** Made because the passage was asked for often, not because somebody wanted it: it may go when others are asked for more. */
  isBackground: z.literal(true).optional(),
});

/** What all adapters of one encoding have in common. */
export interface EncodingHeader {
  model: { name: string; fingerprint: string };
  /** Hash of the recipe. */
  recipe: string;
}

/** One encoded passage: its adapter, and what it cost. What differs from run to run (seconds) stands here, not in the adapter. */
export type EncodingRow = z.infer<typeof rowSchema> & { key: string };

/** Where adapters come from: the store. */
export interface AdapterSource {
  /** `NotFoundError` where there is none. */
  load(key: string): Promise<Adapter>;
}

/** The append-only record passage id → adapter key for one corpus, model, recipe and prompts. Law: the last row of a passage wins. */
export interface Encoding {
  keyOf(passageId: string): string | undefined;
  /** One row per encoded passage, in the order in which the passages were first encoded. */
  rows(): EncodingRow[];
  /** One adapter per passage, in the order given; `undefined` where the passage is not encoded or its adapter was deleted. */
  load(passageIds: readonly string[]): Promise<(Adapter | undefined)[]>;
  /** Records an encoded passage; on disk when the promise resolves. Only for the one writer, after a refresh. */
  append(row: EncodingRow): Promise<void>;
  /** Forgets a passage that is no longer in the corpus. Only for the one writer. */
  forget(passageId: string): Promise<void>;
  /** Sees what was written since from elsewhere; the file is read only where it is another one, or has another size. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Reads an encoding file: header and rows by passage id; `undefined` where there is none yet. */
export async function readEncoding(
  path: string,
): Promise<{ header: EncodingHeader; rows: Map<string, EncodingRow> } | undefined> {
  const [first, ...rest] = await readJsonl(path, z.unknown());
  if (first === undefined) return undefined;
  const { formatVersion: version, ...header } = parseValue(first, headerSchema, `${path}:1`);
  if (version !== formatVersion)
    throw new UnsupportedError(
      `${path} has format version ${version}, this version of parametric-rag reads ${formatVersion}; update parametric-rag, or delete the file and encode again (adapters in the store are found again)`,
    );
  const rows = new Map<string, EncodingRow>();
  rest.forEach((value, i) => {
    const { key, ...row } = parseValue(value, rowSchema, `${path}:${i + 2}`);
    if (key === null) rows.delete(row.passageId);
    else rows.set(row.passageId, { ...row, key });
  });
  return { header, rows };
}

/** Opens an encoding. The file is created by the first `append`; one of another model or recipe is a `ConfigError`. */
export async function openEncoding(
  path: string,
  { header, store }: { header: EncodingHeader; store: AdapterSource },
): Promise<Encoding> {
  let rows = new Map<string, EncodingRow>();
  let known = noFile;
  let writer: (JsonlWriter & { inode: number }) | undefined;

  const refresh = async () => {
    const file = await lookAt(path);
    if (file.inode === known.inode && file.bytes === known.bytes) return;
    const found = await readEncoding(path);
    if (found) checkHeader(path, found.header, header);
    rows = found?.rows ?? new Map();
    known = file;
  };
  const close = async () => {
    await writer?.close();
    writer = undefined;
  };
  const append = async (row: { passageId: string; key: string | null }) => {
    parseRow(row, path);
    if (writer && (await lookAt(path)).inode !== writer.inode) await close(); // the file was replaced: rows would be lost
    if (!writer) {
      const opened = await openJsonl(path);
      const { inode, bytes } = await lookAt(path);
      writer = { ...opened, inode };
      if (bytes === 0) await writer.append({ formatVersion, ...header });
    }
    await writer.append(row);
    known = await lookAt(path); // all of it is known: the one writer has read what was there before
  };

  await refresh();
  return {
    keyOf: (passageId) => rows.get(passageId)?.key,
    rows: () => [...rows.values()],
    load: (passageIds) => Promise.all(passageIds.map((id) => loadIfPresent(store, rows.get(id)?.key))),
    async append(row) {
      await append(row);
      rows.set(row.passageId, row);
    },
    async forget(passageId) {
      if (!rows.has(passageId)) return;
      await append({ passageId, key: null });
      rows.delete(passageId);
    },
    refresh,
    close,
  };
}

/** A wrong row is refused before it is written, since the file could not be read any more. */
function parseRow(row: unknown, path: string): void {
  const result = rowSchema.safeParse(row);
  if (!result.success)
    throw new FormatError(`row cannot be appended: ${result.error.issues[0]?.message ?? "wrong form"}`, {
      path,
    });
}

async function loadIfPresent(store: AdapterSource, key: string | undefined): Promise<Adapter | undefined> {
  if (key === undefined) return undefined;
  try {
    return await store.load(key);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined; // deleted from the store: as if not encoded
    throw error;
  }
}

const noFile = { inode: 0, bytes: 0 };

async function lookAt(path: string): Promise<typeof noFile> {
  try {
    const { ino, size } = await stat(path);
    return { inode: ino, bytes: size };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return noFile;
    throw error;
  }
}

function checkHeader(path: string, found: EncodingHeader, wanted: EncodingHeader): void {
  if (found.model.fingerprint !== wanted.model.fingerprint)
    throw new ConfigError(
      `${path} is an encoding for the base model ${found.model.name} (fingerprint ${found.model.fingerprint}), not for ${wanted.model.name} (${wanted.model.fingerprint}); choose that model, or encode again for this one`,
    );
  if (found.recipe !== wanted.recipe)
    throw new ConfigError(
      `${path} was made with the recipe ${found.recipe}, not ${wanted.recipe}; use the recipe's settings of then, or encode again with these`,
    );
}
