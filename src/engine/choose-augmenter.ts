import { z } from "zod";
import type { Augmenter, AugmenterIdentity } from "../augmentation/augmenter.ts";
import { chooseAugmenter } from "../augmentation/choose-augmenter.ts";
import { createModelAugmenter, identifyModelAugmenter } from "../augmentation/model-augmenter.ts";
import { ruleAugmenter } from "../augmentation/rule-augmenter.ts";
import { ConfigError } from "../base/errors.ts";
import { readJsonIfPresent, writeJson } from "../base/files.ts";
import { sha256 } from "../base/hash.ts";
import { createRemoteGenerator } from "../generation/remote.ts";
import type { EngineConfig } from "./config.ts";
import { weightsInUse } from "./models.ts";
import type { EngineParts } from "./parts.ts";

/** What making an augmenter takes from its surroundings. */
interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal | undefined;
}

/** Who augments by the settings, without opening or trying anything; nothing where that is not decided yet. */
export async function identifyAugmenter(parts: EngineParts): Promise<AugmenterIdentity | undefined> {
  const { augmenter, endpoint } = parts.config.augment;
  if (augmenter === "rule") return ruleAugmenter;
  if (augmenter === "remote")
    return endpoint && identifyModelAugmenter(endpoint.model, { sampling: remoteSampling });
  const chosen = augmenter === "model" ? augmenter : await readChoice(parts);
  if (chosen !== "model") return chosen && ruleAugmenter;
  const { name } = await parts.model();
  return identifyModelAugmenter(name, { fingerprint: await fingerprintOf(parts) });
}

/** What the model's texts depend on besides what it is asked. */
async function fingerprintOf(parts: EngineParts): Promise<string> {
  const model = await parts.model();
  return sha256(model.fingerprint + model.tokenizerHash + weightsInUse(model, parts.config));
}

/** Makes the augmenter that the settings ask for; `auto` tries the model and takes rules where it is of little use. */
export async function createAugmenter(parts: EngineParts, { env, signal }: Surroundings): Promise<Augmenter> {
  const { augmenter } = parts.config.augment;
  switch (augmenter) {
    case "rule":
      return ruleAugmenter;
    case "model":
      return modelAugmenter(parts);
    case "remote":
      return remoteAugmenter(parts.config, env);
    case "auto":
      return tryModel(parts, signal);
  }
}

async function modelAugmenter(
  parts: EngineParts,
  { attempts }: { attempts?: number } = {},
): Promise<Augmenter> {
  const [generator, fingerprint] = [await parts.generator(), await fingerprintOf(parts)];
  return createModelAugmenter({ generator, fingerprint, ...(attempts && { attempts }) });
}

/** Texts that a trial asks of the model per passage: enough to tell whether it can write pairs, a fifth of the time. */
const trialAttempts = 2;

const choiceSchema = z.object({
  model: z.string(),
  augmenter: z.enum(["rule", "model"]),
  reason: z.string(),
});

/**
 * Decides once for a collection and model, and records it: as the corpus grows, a later trial could come out otherwise, and
 * everything would be augmented and trained anew.
 */
async function tryModel(parts: EngineParts, signal: AbortSignal | undefined): Promise<Augmenter> {
  const before = await readChoice(parts);
  if (before === "rule") return ruleAugmenter;
  const model = await modelAugmenter(parts);
  if (before) return model;
  const passages = [...(await parts.corpus()).passages()];
  const task = "choose augmenter";
  parts.progress({ task, done: 0, total: 1, note: `trying ${model.name}` });
  const settings = await parts.augmentSettings();
  const trial = await modelAugmenter(parts, { attempts: trialAttempts });
  const { augmenter, reason } = await chooseAugmenter(trial, passages, { ...settings, signal });
  const isModel = augmenter === trial;
  const { fingerprint } = await parts.model();
  const choice = { model: fingerprint, augmenter: isModel ? "model" : "rule", reason };
  await writeJson(parts.folder.collection.augmenterChoice, choice);
  parts.progress({ task, done: 1, total: 1, note: reason });
  return isModel ? model : augmenter;
}

/** What was decided for this collection and model. */
async function readChoice(parts: EngineParts): Promise<"rule" | "model" | undefined> {
  const choice = await readJsonIfPresent(parts.folder.collection.augmenterChoice, choiceSchema);
  return choice?.model === (await parts.model()).fingerprint ? choice.augmenter : undefined;
}

/** Not every service knows top-k. */
const remoteSampling = { temperature: 0.7, topP: 1 };

function remoteAugmenter(
  { augment: { endpoint } }: EngineConfig,
  env: Readonly<Record<string, string | undefined>>,
): Augmenter {
  if (!endpoint) {
    throw new ConfigError('augmenter "remote" needs augment.endpoint {url, model} in the settings');
  }
  const generator = createRemoteGenerator({
    baseUrl: endpoint.url,
    model: endpoint.model,
    apiKey: env[endpoint.apiKeyVariable],
  });
  return createModelAugmenter({ generator, sampling: remoteSampling });
}
