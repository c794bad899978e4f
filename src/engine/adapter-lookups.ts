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

/** Trains what is missing before it is loaded. */
export function encodingFirst(parts: EngineParts, lookup: AdapterLookup): AdapterLookup {
  return {
    keyOf: lookup.keyOf,
    async load(passages, { signal }) {
      const missing = passages.filter((passage) => lookup.keyOf(passage.id) === undefined);
      if (missing.length) {
        await asWriter(parts.folder, "encode for a question", () =>
          encodePassages(parts, missing, { signal }),
        );
      }
      return lookup.load(passages, { signal });
    },
  };
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
