import type { Augmenter } from "../augmentation/augmenter.ts";
import { chooseAugmenter } from "../augmentation/choose-augmenter.ts";
import { createModelAugmenter } from "../augmentation/model-augmenter.ts";
import { ruleAugmenter } from "../augmentation/rule-augmenter.ts";
import { ConfigError } from "../base/errors.ts";
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
  config: EngineConfig,
  _env: Readonly<Record<string, string | undefined>>,
): Augmenter {
  throw new ConfigError(`augmenter "remote" needs augment.endpoint, got ${config.augment.endpoint}`);
}
