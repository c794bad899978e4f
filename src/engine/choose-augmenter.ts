import type { Augmenter } from "../augmentation/augmenter.ts";
import { chooseAugmenter } from "../augmentation/choose-augmenter.ts";
import { createModelAugmenter } from "../augmentation/model-augmenter.ts";
import { ruleAugmenter } from "../augmentation/rule-augmenter.ts";
import { ConfigError } from "../base/errors.ts";
import { createRemoteGenerator } from "../generation/remote.ts";
import type { EngineConfig } from "./config.ts";
import type { EngineParts } from "./parts.ts";

/** Makes the augmenter that the settings ask for; `auto` tries the model and takes rules where it is of little use. */
export async function createAugmenter(
  parts: EngineParts,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Augmenter> {
  const { augmenter } = parts.config.augment;
  switch (augmenter) {
    case "rule":
      return ruleAugmenter;
    case "model":
      return createModelAugmenter({ generator: await parts.generator() });
    case "remote":
      return remoteAugmenter(parts.config, env);
    case "auto": {
      const corpus = await parts.corpus();
      const model = createModelAugmenter({ generator: await parts.generator() });
      const { rewrites, pairs, seed } = await parts.augmentSettings();
      const choice = await chooseAugmenter(model, [...corpus.passages()], { rewrites, pairs, seed });
      parts.progress({ task: "choose augmenter", done: 1, total: 1, note: choice.reason });
      return choice.augmenter;
    }
  }
}

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
  return createModelAugmenter({ generator, sampling: { temperature: 0.7, topP: 1 } }); // not every service knows top-k
}
