import { canonicalJson } from "../base/hash.ts";
import type { EngineConfig } from "./config.ts";
import type { EngineParts } from "./parts.ts";

/** The parts of another engine, if it has the model and recipe that these settings ask for. */
export function sharedParts(config: EngineConfig, other: EngineParts | undefined): EngineParts | undefined {
  return other && modelSettings(config) === modelSettings(other.config) ? other : undefined;
}

function modelSettings(config: EngineConfig): string {
  const {
    model,
    revision,
    memoryModel,
    dataFolder: path,
    cacheFolder,
    device,
    threads,
    weights,
    adapterDtype,
  } = config;
  const { recipe, compat, initAdapter } = config;
  return canonicalJson([
    ...[
      model,
      revision ?? null,
      memoryModel ?? null,
      path,
      cacheFolder,
      device,
      threads ?? null,
      weights,
      adapterDtype,
    ],
    ...[recipe ?? null, compat, initAdapter ?? null],
  ]);
}
