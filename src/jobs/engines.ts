import { NotFoundError } from "../base/errors.ts";
import type { EngineSettings } from "../engine/config.ts";
import { listCollections } from "../engine/data-folder.ts";
import { type EngineEnvironment, type OpenEngine, openEngine } from "../engine/open-engine.ts";
import type { EngineParts } from "../engine/parts.ts";
import { Traffic } from "./traffic.ts";

/** The engines of a data folder's collections, opened when they are first asked for; they share one model where they can. */
export interface Engines {
  /** That of the default collection, which need not exist yet. */
  readonly main: EngineParts;
  /** A `NotFoundError` where there is no such collection. */
  get(collection: string): Promise<EngineParts>;
  /** The same for a collection that may be about to begin. */
  open(collection: string): Promise<EngineParts>;
  names(): Promise<string[]>;
  /** An answer from a collection begins, which must not be closed before what comes back was called. */
  hold(collection: string): () => void;
  isHeld(collection: string): boolean;
  /** Closes one, as after its collection was deleted; the main one stays open and forgets what it has read. */
  close(collection: string): Promise<void>;
  dispose(): Promise<void>;
}

/** How an engine is opened. */
export interface EnginesOptions {
  /** The settings of a collection, those recorded with it included. */
  settingsOf(collection: string): Promise<EngineSettings>;
  /** The default collection. */
  collection: string;
  environment: EngineEnvironment;
}

/** Opens the default collection's engine, and makes room for the others. */
export async function openEngines({
  settingsOf,
  collection: mainName,
  environment,
}: EnginesOptions): Promise<Engines> {
  const main = await openEngine(await settingsOf(mainName), environment);
  const opened = new Map<string, Promise<OpenEngine>>();
  const open = async (name: string): Promise<EngineParts> => {
    if (name === mainName) return main.parts;
    const engine =
      opened.get(name) ??
      settingsOf(name).then((settings) => openEngine(settings, { ...environment, sharedWith: main }));
    opened.set(name, engine);
    engine.catch(() => opened.delete(name));
    return (await engine).parts;
  };
  const holders = new Map<string, Traffic>();
  const names = () => listCollections(main.parts.config.dataFolder);
  const close = async (name: string) => {
    if (name === mainName) await forgetAll(main.parts);
    const engine = opened.get(name);
    opened.delete(name);
    holders.delete(name);
    await (await engine)?.dispose();
  };
  return {
    main: main.parts,
    open,
    names,
    hold(name) {
      const own = holders.get(name) ?? new Traffic();
      holders.set(name, own);
      return own.enter();
    },
    isHeld: (name) => (holders.get(name)?.inFlight ?? 0) > 0,
    close,
    async get(name) {
      if (name !== mainName && !(await names()).includes(name))
        throw new NotFoundError(`there is no collection "${name}"; GET /api/collections lists them`);
      return open(name);
    },
    async dispose() {
      for (const name of [...opened.keys()]) await close(name);
      await main.dispose();
    },
  };
}

/** After its files were deleted: nothing of them is remembered. */
async function forgetAll(parts: EngineParts): Promise<void> {
  parts.forgetCorpus();
  const encoding = await parts.encoding();
  await encoding.close();
  await encoding.refresh();
}
