import type { Adapter } from "../adapters/adapter.ts";
import { ConfigError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { AdapterLookup } from "../methods/prag.ts";
import { asWriter } from "./data-folder.ts";
import { encodePassages } from "./encode.ts";
import type { EngineParts } from "./parts.ts";

/** Adapters that exist already. */
export async function storedAdapters(parts: EngineParts): Promise<AdapterLookup> {
  const encoding = await parts.encoding();
  return {
    keyOf: (passageId) => encoding.keyOf(passageId),
    load: (passages) => encoding.load(passages.map((passage) => passage.id)),
  };
}

/** Trains what is missing, or was deleted, before it is loaded. Questions that train wait for one another. */
export function encodingFirst(parts: EngineParts, lookup: AdapterLookup): AdapterLookup {
  return {
    keyOf: lookup.keyOf,
    async load(passages, options) {
      const found = await lookup.load(passages, options);
      if (found.every((adapter) => adapter !== undefined)) return found;
      await oneAtATime(parts.folder.path, async () => {
        const now = await lookup.load(passages, options); // another question may have trained them
        const missing = passages.filter((_, i) => now[i] === undefined);
        if (!missing.length) return;
        await asWriter(parts.folder, "encode for a question", () => encodePassages(parts, missing, options));
      });
      return lookup.load(passages, options);
    },
  };
}

const turns = new Map<string, Promise<void>>();

/** Runs tasks over one data folder one after the other. */
async function oneAtATime(path: string, task: () => Promise<void>): Promise<void> {
  const before = turns.get(path) ?? Promise.resolve();
  const own = before.catch(() => undefined).then(task);
  turns.set(path, own);
  try {
    await own;
  } finally {
    if (turns.get(path) === own) turns.delete(path);
  }
}

/** The same lookup under a seeded rotation of all passages, so that no passage keeps its own adapter. */
export async function shuffleAdapters(
  parts: EngineParts,
  lookup: AdapterLookup,
  seed: number,
): Promise<AdapterLookup> {
  const corpus = await parts.corpus();
  const count = corpus.passageCount;
  if (count < 2)
    throw new ConfigError(
      `adapters cannot be shuffled among ${count} passages; ingest more, or leave shuffleAdapters out`,
    );
  const distance = 1 + new Random(`shuffle/${seed}`).int(count - 1);
  const other = (passageId: string): Passage => {
    const ordinal = corpus.ordinalOf(passageId);
    if (ordinal === undefined) throw new Error(`internal: passage ${passageId} is not in the corpus`);
    return corpus.passage((ordinal + distance) % count);
  };
  return {
    keyOf: (passageId) => lookup.keyOf(other(passageId).id),
    load: (passages, options): Promise<(Adapter | undefined)[]> =>
      lookup.load(
        passages.map((passage) => other(passage.id)),
        options,
      ),
  };
}
