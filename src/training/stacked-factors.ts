import type { Adapter, AdapterConfig } from "../adapters/adapter.ts";
import { factorName } from "../adapters/lora-linear.ts";
import type { TargetModule } from "./target-modules.ts";

/** Factors of all rows one after another: [B, R, width] by graph input name. */
export function stackFactors(
  adapters: readonly Adapter[],
  modules: readonly TargetModule[],
): Map<string, Float32Array> {
  const stacked = new Map<string, Float32Array>();
  for (const { name } of modules) {
    for (const factor of ["down", "up"] as const) {
      const parts = adapters.map((adapter) => {
        const lora = adapter.modules.get(name);
        if (!lora) throw new Error(`internal: the initial adapter lacks ${name}`);
        return lora[factor];
      });
      const all = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
      let offset = 0;
      for (const part of parts) {
        all.set(part, offset);
        offset += part.length;
      }
      stacked.set(factorName(name, factor), all);
    }
  }
  return stacked;
}

/** One row of stacked factors as an adapter. */
export function unstackFactors(
  factors: Map<string, Float32Array>,
  modules: readonly TargetModule[],
  { row, config }: { row: number; config: AdapterConfig },
): Adapter {
  const slice = (name: string, width: number) => {
    const length = config.rank * width;
    return factors.get(name)!.slice(row * length, (row + 1) * length);
  };
  return {
    config,
    modules: new Map(
      modules.map(({ name, size }) => [
        name,
        {
          down: slice(factorName(name, "down"), size.in),
          up: slice(factorName(name, "up"), size.out),
          inFeatures: size.in,
          outFeatures: size.out,
        },
      ]),
    ),
  };
}
