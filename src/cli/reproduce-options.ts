import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { methodNames } from "../engine/create-method.ts";
import { checkNames, refuseIdle } from "./options.ts";
import { longMethods, type Target, targets } from "./reproduce-plan.ts";

/** Options of `prag reproduce`. */
export const reproduceOptions = z.object({
  data: z.string().optional(),
  sets: z.array(z.string()).optional(),
  sample: z.number().optional(),
  methods: z.array(z.string()).optional(),
  out: z.string(),
  cot: z.boolean().optional(),
  shots: z.number().optional(),
  limit: z.number().optional(),
  maxWords: z.number().optional(),
  inFlight: z.number().optional(),
  seed: z.number(),
  initAdapter: z.string().optional(),
  warmData: z.string().optional(),
  warmCount: z.number().optional(),
  augmentModels: z.array(z.string()).optional(),
  ratio: z.number().optional(),
  memoryModel: z.string().optional(),
  answerModel: z.string().optional(),
  plan: z.boolean().default(false),
});
export type ReproduceOptions = z.infer<typeof reproduceOptions>;

const allBut = (...others: Target[]) => targets.filter((target) => !others.includes(target));

/** Which targets heed an option; those that are not named here count for all. */
const heeding: Partial<Record<keyof ReproduceOptions, readonly Target[]>> = {
  methods: ["table1", "table4", "memorag"],
  limit: allBut("sweep"), // it goes from 1 to 10
  inFlight: allBut("table4", "memorag"), // times of questions side by side mean little; memories of texts take turns
  initAdapter: ["table2"],
  warmData: ["table2"],
  warmCount: ["table2"],
  augmentModels: ["table3"],
  ratio: ["memorag"],
  memoryModel: ["memorag"],
  answerModel: ["memorag"],
};

/** Refuses options that a target does not heed, and values that mean nothing. */
export function checkOptions(options: ReproduceOptions, target: Target): void {
  for (const [name, by] of Object.entries(heeding))
    if (!by.includes(target))
      refuseIdle(options, [name], `is for ${by.join(", ")}, and has no effect on ${target}; leave it away`);
  const { sample = 1, inFlight = 1, warmCount = 1, initAdapter, warmData } = options;
  if (warmCount < 1) throw new ConfigError(`--warm-count must be at least 1, got ${warmCount}`);
  if (sample < 1) throw new ConfigError(`--sample must be at least 1, got ${sample}`);
  if (inFlight < 1) throw new ConfigError(`--in-flight must be at least 1, got ${inFlight}`);
  if (initAdapter !== undefined && warmData !== undefined)
    throw new ConfigError("--init-adapter and --warm-data both name the start of table 2; give one of them");
  if (warmData === undefined)
    refuseIdle(options, ["warmCount"], "draws from --warm-data, and there is none; name the file");
  checkNames(options.methods, { kind: "method", known: target === "memorag" ? longMethods : methodNames });
}
