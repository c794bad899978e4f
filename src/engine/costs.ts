import { z } from "zod";
import { readJsonl } from "../base/jsonl.ts";
import type { EngineParts } from "./parts.ts";

const costSchema = z.object({ key: z.string(), seconds: z.number().nonnegative() });

/** What the adapters of the encoding in use cost when they were trained, in whichever run that was. */
export async function encodingCost(parts: EngineParts): Promise<{ passages: number; seconds: number }> {
  const rows = await readJsonl(parts.folder.collection.costs, costSchema);
  const secondsByKey = new Map(rows.map(({ key, seconds }) => [key, seconds]));
  const known = (await parts.encoding()).rows().flatMap(({ key }) => secondsByKey.get(key) ?? []);
  return { passages: known.length, seconds: known.reduce((sum, seconds) => sum + seconds, 0) };
}
