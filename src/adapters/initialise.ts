import { ConfigError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { Random } from "../base/random.ts";
import type { Adapter, AdapterConfig } from "./adapter.ts";
import { createFactors, lastPart, type ModuleShape } from "./factors.ts";

/** The seed of the base init that all passages of a model share, so that their adapters begin at the same A. */
export function initialSeed(fingerprint: string, { rank, alpha }: AdapterConfig, seed: number): string {
  return `init/${fingerprint}/rank=${rank}/alpha=${alpha}/${seed}`;
}

/**
 * The adapter that training starts from: down ~ U(−1/√in, 1/√in) (what PEFT's Kaiming-uniform with a = √5 comes to), up = 0, so
 * its delta is 0. A module's numbers depend on the seed and its name alone, not on which other modules are targets.
 */
export function createInitialAdapter(
  shapes: readonly ModuleShape[],
  config: AdapterConfig,
  seed: number | string,
): Adapter {
  const modules = createFactors(selectTargets(shapes, config.targetModules), config.rank);
  const random = new Random(seed);
  for (const [name, { down, inFeatures }] of modules) {
    const stream = random.fork(name);
    const bound = inFeatures ** -0.5;
    for (let i = 0; i < down.length; i++) down[i] = (2 * stream.next() - 1) * bound;
  }
  return { config, modules };
}

/** The linears whose last part of the name is a target. */
function selectTargets(shapes: readonly ModuleShape[], targetModules: readonly string[]): ModuleShape[] {
  checkTargetKinds(
    shapes.map(({ name }) => lastPart(name)),
    targetModules,
  );
  return shapes.filter(({ name }) => targetModules.includes(lastPart(name)));
}

/** Throws a `ConfigError` unless there are target modules, all of these kinds. */
export function checkTargetKinds(kinds: Iterable<string>, targetModules: readonly string[]): void {
  const known = new Set(kinds);
  const unknown = targetModules.filter((target) => !known.has(target));
  if (unknown.length || !targetModules.length)
    throw new ConfigError(
      `target modules must be among ${[...known].join(", ")} for this model, got ${unknown.join(", ") || "none"}`,
    );
}

/** What an adapter's config and numbers are, in one hash; part of the key of every adapter trained from it. */
export function hashAdapter({ config, modules }: Adapter): string {
  const parts = [...modules].map(([name, { down, up }]) => [name, hashNumbers(down), hashNumbers(up)]);
  return sha256(canonicalJson([config, parts]));
}

function hashNumbers(data: Float32Array): string {
  return sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
