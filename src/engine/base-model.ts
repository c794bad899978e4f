import { basename } from "node:path";
import { isFolder } from "../base/files.ts";
import { parseHubId } from "../weights/hub.ts";
import type { EngineParts } from "./parts.ts";

/** How other programs find a base model, as PEFT folders name it. */
export interface BaseModelReference {
  /** Its id on the hub, or its folder. */
  baseModel: string;
  /** Of the hub; absent where the settings name none. */
  revision: string | undefined;
}

/** Refers to the model in use. */
export async function referToBase({ config, model }: EngineParts): Promise<BaseModelReference> {
  const hub = (await isFolder(config.model)) ? undefined : parseHubId(config.model);
  if (!hub) return { baseModel: (await model()).folder, revision: undefined };
  return { baseModel: hub.name, revision: hub.revision ?? config.revision };
}

/** Whether a name of a base model may mean that one: folders of different machines count by their last part. */
export function meansBase(name: string, { baseModel }: BaseModelReference): boolean {
  return basename(name) === basename(baseModel);
}
