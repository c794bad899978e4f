import type { ModuleShape } from "./factors.ts";

/** How an adapter's numbers are stored: 4, 2 or 1 bytes each; `int8` has one f32 scale per row besides. */
export const adapterDtypes = ["f32", "f16", "int8"] as const;
export type AdapterDtype = (typeof adapterDtypes)[number];

/** Numbers of an adapter of this rank on these modules: Σ R · (in + out). */
export function countParameters(shapes: readonly ModuleShape[], rank: number): number {
  return shapes.reduce((sum, { inFeatures, outFeatures }) => sum + rank * (inFeatures + outFeatures), 0);
}

/** Bytes of the tensors of one stored adapter; the file's header comes on top (about 150 bytes per tensor). */
export function countBytes(shapes: readonly ModuleShape[], rank: number, dtype: AdapterDtype): number {
  const parameters = countParameters(shapes, rank);
  if (dtype === "f32") return 4 * parameters;
  if (dtype === "f16") return 2 * parameters;
  return parameters + 4 * (2 * rank * shapes.length); // rows of down and of up
}

/** The measures of a model that a formula for adapters on its feed-forward modules needs. */
export interface FeedForwardSize {
  layers: number;
  /** h */
  hiddenSize: number;
  /** l */
  feedForwardSize: number;
}

/**
 * Parameters of a feed-forward adapter: ours, 3nr(h + l), since gate, up and down are adapted (as in the reference code), and the
 * paper's formula, 2nr(h + l), which counts two modules.
 */
export function feedForwardParameters(
  { layers, hiddenSize, feedForwardSize }: FeedForwardSize,
  rank: number,
): { parameters: number; paperParameters: number } {
  const perModule = layers * rank * (hiddenSize + feedForwardSize);
  return { parameters: 3 * perModule, paperParameters: 2 * perModule };
}
