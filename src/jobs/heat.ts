import { join } from "node:path";
import { z } from "zod";
import { readJsonIfPresent, writeJson } from "../base/files.ts";

/** How often passages were retrieved, old times counting less: a count halves with every half-life. */
export interface Heat {
  /** A passage was among the hits of a question. */
  touch(collection: string, passageIds: readonly string[]): void;
  heatOf(collection: string, passageId: string): number;
  /** Passages of at least this heat, hottest first; equals by id. */
  hottest(collection: string, minimum: number): string[];
  collections(): string[];
  forget(collection: string): void;
  /** Writes what has changed since the last time, in one step; a kill keeps the old counts or the new ones. */
  save(): Promise<void>;
}

const heatFormat = 1;
/** Colder passages are as good as never retrieved, and forgotten at the next save. */
const coldest = 0.05;

const fileSchema = z.object({
  format: z.literal(heatFormat),
  /** Collection → passage → heat and the time (ms since 1970) at which it was that. */
  collections: z.record(z.string(), z.record(z.string(), z.tuple([z.number(), z.number()]))),
});

/** Opens the counts of a data folder. A file that cannot be understood is an error; without one all is cold. */
export async function openHeat(
  dataFolder: string,
  { halfLifeMs, now }: { halfLifeMs: number; now: () => number },
): Promise<Heat> {
  const path = join(dataFolder, "heat.json");
  const loaded = (await readJsonIfPresent(path, fileSchema))?.collections ?? {};
  const counts = new Map(
    Object.entries(loaded).map(([name, passages]) => [name, new Map(Object.entries(passages))]),
  );
  let isChanged = false;
  const decayed = ([value, atMs]: [number, number]) => value * 2 ** (-Math.max(0, now() - atMs) / halfLifeMs);
  const heatOf = (collection: string, passageId: string) => {
    const entry = counts.get(collection)?.get(passageId);
    return entry ? decayed(entry) : 0;
  };
  return {
    heatOf,
    touch(collection, passageIds) {
      const passages = counts.get(collection) ?? new Map<string, [number, number]>();
      counts.set(collection, passages);
      for (const id of passageIds) passages.set(id, [heatOf(collection, id) + 1, now()]);
      isChanged ||= passageIds.length > 0;
    },
    hottest(collection, minimum) {
      return [...(counts.get(collection) ?? [])]
        .map(([id, entry]) => ({ id, heat: decayed(entry) }))
        .filter(({ heat }) => heat >= minimum)
        .sort((a, b) => b.heat - a.heat || (a.id < b.id ? -1 : 1))
        .map(({ id }) => id);
    },
    collections: () => [...counts.keys()],
    forget(collection) {
      isChanged = counts.delete(collection) || isChanged;
    },
    async save() {
      if (!isChanged) return;
      isChanged = false;
      for (const [name, passages] of counts) {
        for (const [id, entry] of passages) if (decayed(entry) < coldest) passages.delete(id);
        if (!passages.size) counts.delete(name);
      }
      const warm = [...counts].map(([name, passages]) => [name, Object.fromEntries(passages)]);
      try {
        await writeJson(path, { format: heatFormat, collections: Object.fromEntries(warm) });
      } catch (error) {
        isChanged = true;
        throw error;
      }
    },
  };
}
