import type { AdapterUse } from "../engine/encoded-adapters.ts";
import type { Engines } from "./engines.ts";
import type { Heat } from "./heat.ts";

/** An adapter that the background made and may delete. */
export interface Evictable {
  key: string;
  bytes: number;
  /** That of the hottest passage that it stands for. */
  heat: number;
  uses: readonly AdapterUse[];
}

/** A passage displaces an adapter only if it is this many times as hot, so that two of nearly the same heat do not take turns. */
const coldFactor = 2;

/** The adapters that the background made, in any collection, and that nobody asked to be kept by encoding them too. */
export async function listEvictable({
  engines,
  heat,
}: {
  engines: Engines;
  heat: Heat;
}): Promise<Evictable[]> {
  const uses = new Map<string, (AdapterUse & { isBackground: boolean; heat: number })[]>();
  for (const name of await engines.names()) {
    const parts = await engines.open(name);
    for (const { key, passageId, isBackground = false } of (await parts.encoding()).rows()) {
      const use = { parts, passageId, isBackground, heat: heat.heatOf(name, passageId) };
      uses.set(key, [...(uses.get(key) ?? []), use]);
    }
  }
  const stored = await (await engines.main.store()).list();
  return stored.flatMap(({ key, bytes }) => {
    const own = uses.get(key) ?? [];
    const isOurs = own.length > 0 && own.every(({ isBackground }) => isBackground);
    return isOurs ? [{ key, bytes, heat: Math.max(...own.map((use) => use.heat)), uses: own }] : [];
  });
}

/**
 * How many of the wanted passages (their heats, hottest first) find room, and which adapters have to go for them: the
 * coldest first, equals by key, none that is not much colder than the passage that takes its place.
 */
export function makeRoom(
  wanted: readonly number[],
  evictable: readonly Evictable[],
  { freeBytes, eachBytes }: { freeBytes: number; eachBytes: number },
): { count: number; victims: Evictable[] } {
  const coldest = [...evictable].sort((a, b) => a.heat - b.heat || (a.key < b.key ? -1 : 1));
  let [free, count, gone] = [freeBytes, 0, 0];
  for (const heat of wanted) {
    let next = gone;
    while (free < eachBytes && coldest[next] && coldest[next]!.heat * coldFactor <= heat)
      free += coldest[next++]!.bytes;
    if (free < eachBytes) break;
    free -= eachBytes;
    gone = next;
    count++;
  }
  return { count, victims: coldest.slice(0, gone) };
}
