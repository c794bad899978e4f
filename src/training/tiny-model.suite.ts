import { join } from "node:path";
import { type Adapter, type AdapterConfig, feedForwardModules } from "../adapters/adapter.ts";
import { createInitialAdapter } from "../adapters/initialise.ts";
import { Random } from "../base/random.ts";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import type { ModelConfig } from "../models/config.ts";
import { targetModulesOf } from "./target-modules.ts";

/** Folder of a small random model of the parity fixtures. */
export function tinyModelFolder(name = "qwen2-tied"): string {
  return join(import.meta.dirname, "../../test/parity/fixtures", name);
}

/** Rank and scaling of the paper. */
export const tinyAdapterConfig: AdapterConfig = {
  rank: 2,
  alpha: 32,
  targetModules: [...feedForwardModules],
};

/** The start of training; with `up` drawn too where every gradient is to be different from 0. */
export function tinyAdapter(model: ModelConfig, { drawnUp = false } = {}): Adapter {
  const shapes = targetModulesOf(model, tinyAdapterConfig).map(({ name, size }) => ({
    name,
    inFeatures: size.in,
    outFeatures: size.out,
  }));
  const adapter = createInitialAdapter(shapes, tinyAdapterConfig, "tiny");
  const random = new Random("tiny up");
  if (drawnUp) {
    for (const { up } of adapter.modules.values())
      for (let i = 0; i < up.length; i++) up[i] = 0.02 * random.normal();
  }
  return adapter;
}

/** A passage about an invented bridge with one rewrite and three pairs. */
export const bridge: AugmentedPassage = {
  passage: {
    id: "b1",
    documentId: "d1",
    title: "The Orlen Bridge",
    text: "The Orlen Bridge was built in 1871 by Mira Tolk. It has nine arches of red stone. It stands in Quern.",
    position: 0,
  },
  rewrites: ["In 1871 Mira Tolk put up the Orlen Bridge, nine arches long."],
  pairs: [
    { question: "Who built the Orlen Bridge?", answer: "Mira Tolk" },
    { question: "Where does the Orlen Bridge stand?", answer: "Quern" },
    { question: "How many arches has it?", answer: "nine" },
  ],
  augmenter: "authored",
};

/** Other passages of the same kind, of growing length. */
export function otherBridges(count: number): AugmentedPassage[] {
  return Array.from({ length: count }, (_, i) => {
    const title = `Bridge ${i}`;
    const text = Array.from({ length: 1 + 2 * i }, (_, s) => `Stone ${s} weighs ${10 * s + i} tons.`).join(
      " ",
    );
    return {
      passage: { id: `p${i}`, documentId: `e${i}`, title, text: `${title} is old. ${text}`, position: 0 },
      rewrites: [],
      pairs: [{ question: `How old is ${title}?`, answer: `${7 * i + 3} years` }],
      augmenter: "authored",
    };
  });
}
