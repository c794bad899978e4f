import { canonicalJson, sha256 } from "../base/hash.ts";

/** All that an adapter's numbers depend on. Raise `version` in `adapterKey` when training itself changes its results. */
export interface AdapterOrigin {
  /** Fingerprint of the base model. */
  model: string;
  passage: { title: string; text: string };
  /** The rewrites and pairs that are trained on, as JSON. */
  augmentation: unknown;
  /** Hash of the prompts that questions are put in, and of what makes tokens of them. */
  prompts: string;
  /** Every setting of the training, rank, alpha and target modules too, as JSON. */
  recipe: unknown;
  /** `hashAdapter` of the adapter that training starts from. */
  init: string;
  /** Kind of the weights that the base model answered with, where its answers are trained on (negatives); else absent. */
  weights?: "f32" | "q8";
}

/** The name of an adapter in the store (64 hexadecimal digits): same passage, same recipe, same key, so never trained twice. */
export function adapterKey({ model, passage: { title, text }, ...rest }: AdapterOrigin): string {
  return sha256(canonicalJson({ version: 2, model, passage: { title, text }, ...rest }));
}

/** Whether a text is an adapter key. Nothing else may become part of a path. */
export function isAdapterKey(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
