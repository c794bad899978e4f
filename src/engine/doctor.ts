import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { dirname, resolve } from "node:path";
import { ConfigError, EngineError, messageOf, systemCode } from "../base/errors.ts";
import { probeDevice } from "../runtime/devices.ts";
import { listCollections } from "./data-folder.ts";
import { freeBytes } from "./disk.ts";
import { countParameters } from "./models.ts";
import type { EngineParts } from "./parts.ts";

/** One thing that was looked at. */
export interface Finding {
  name: string;
  ok: boolean;
  /** What was found, or what is wrong and what to do. */
  detail: string;
}

/** A check returns what it found, or throws what is wrong. */
type Check = (parts: EngineParts) => Promise<string> | string;

/** Everything that must be right before a question can be answered, in an order in which each needs those before it. */
const checks: Record<string, Check> = {
  "Node.js": () => `${process.versions.node} on ${process.platform} ${process.arch}`,
  "ONNX Runtime": async () => {
    const problem = await probeDevice("cpu");
    if (problem === undefined) return "loads, and computes on the processor";
    throw new ConfigError(
      `it does not work here: ${problem}; install the package again ("npm ci"), and see whether onnxruntime-node supports this system`,
    );
  },
  device: async ({ config: { device } }) => {
    const problem = device === "cpu" ? undefined : await probeDevice(device);
    if (problem !== undefined) throw new ConfigError(problem);
    return device;
  },
  threads: ({ config: { threads } }) => `${threads ?? availableParallelism()} of ${availableParallelism()}`,
  memory: () => `${gigabytes(freemem())} free of ${gigabytes(totalmem())}`,
  "data folder": async ({ folder: { path } }) => {
    await checkWritable(path);
    const collections = await listCollections(path);
    const free = gigabytes(await freeBytes(path));
    return `${resolve(path)}, collections: ${collections.join(", ") || "none yet"}; ${free} free on the disk`;
  },
  "cache folder": async ({ config: { cacheFolder } }) => {
    await checkWritable(cacheFolder);
    return `${cacheFolder}, ${gigabytes(await freeBytes(cacheFolder))} free on the disk`;
  },
  model: async (parts) => {
    const model = await parts.model();
    const millions = (countParameters(model) / 1e6).toFixed(1);
    return `${model.name} (${model.config.architecture}, ${millions} million parameters) in ${model.folder}`;
  },
  tokenizer: async (parts) => {
    const { tokenizer } = await parts.model();
    const ids = tokenizer.tokenize("Who wrote it?");
    if (!ids.length) throw new ConfigError("it makes no tokens of a text; fetch the model again");
    return `makes ${ids.length} tokens of "Who wrote it?"`;
  },
  generation: async (parts) => {
    const generator = await parts.generator();
    const start = parts.clock();
    const messages = parts.prompts.messages("Who wrote it?");
    const [first] = await generator.generateBatch([{ messages, maxTokens: 1 }]);
    return `${first?.promptTokens ?? 0} tokens read and one written in ${Math.round(parts.clock() - start)} ms`;
  },
};

/** Looks at everything that has to work, and says for each what is wrong with it. */
export async function examine(parts: EngineParts): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      findings.push({ name, ok: true, detail: await check(parts) });
    } catch (error) {
      if (!(error instanceof EngineError) && systemCode(error) === undefined) throw error;
      findings.push({ name, ok: false, detail: messageOf(error) });
    }
  }
  return findings;
}

/** A folder that exists, or can be made, for writing. */
async function checkWritable(path: string): Promise<void> {
  try {
    await access(path, constants.W_OK);
  } catch (error) {
    const parent = dirname(resolve(path));
    if (systemCode(error) === "ENOENT" && parent !== path) return checkWritable(parent);
    throw new ConfigError(`${path} cannot be written (${messageOf(error)}); choose another folder`, {
      cause: error,
    });
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
