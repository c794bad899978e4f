// How well the model knows the language, and what its question writing and rewriting are worth: on held-out articles.
import { sumAccounts } from "../../dist/augmentation/augmenter.js";
import { createModelAugmenter } from "../../dist/augmentation/model-augmenter.js";
import { sample } from "./data.js";

/** Passages whose tokens are scored: title, line break, text, each begun with the model's BOS. */
export async function measurePerplexity({ parts }, { passages, count, seed, progress }) {
  const generator = await parts.generator();
  const chosen = sample(passages, count, { seed, name: "perplexity" });
  let [nats, tokens, bytes] = [0, 0, 0];
  for (const [i, { title, text }] of chosen.entries()) {
    const whole = `${title}\n${text}`;
    const scored = await generator.score({ text: whole, startToken: true });
    const known = scored.filter(({ logProbability }) => Number.isFinite(logProbability));
    nats -= known.reduce((sum, { logProbability }) => sum + logProbability, 0);
    tokens += known.length;
    bytes += Buffer.byteLength(whole);
    progress({ task: "perplexity", done: i + 1, total: chosen.length });
  }
  return {
    passages: chosen.length,
    tokens,
    perplexity: Math.exp(nats / tokens),
    bitsPerByte: nats / bytes / Math.LN2,
  };
}

/** Reasons that tell of a text that could not be read as pairs; all others are the check's. */
const isUnread = (reason) => !checkReasons.has(reason);
const checkReasons = new Set([
  "empty",
  "too long",
  "not a question",
  "yes or no",
  "answer not in the passage",
  "answer in the question",
  "names nothing of the passage",
  "names something that is not in the passage",
  "unresolved reference",
  "wrong type of answer",
  "another fact",
]);

/** Pairs and rewrites as the product makes them: the paper's numbers, so many samplings as it allows itself. */
export async function measureWriting({ parts }, { passages, count, seed, progress }) {
  const augmenter = createModelAugmenter({ generator: await parts.generator() });
  const chosen = sample(passages, count, { seed, name: "writing" });
  const made = [];
  const batch = 10; // so that there is progress to see; what is made of a passage does not depend on its neighbours
  for (let start = 0; start < chosen.length; start += batch) {
    progress({ task: "question writing", done: start, total: chosen.length });
    const some = chosen.slice(start, start + batch);
    made.push(...(await augmenter.augment(some, { rewrites: 1, pairs: 3, seed })));
  }
  progress({ task: "question writing", done: chosen.length, total: chosen.length });
  const { attempts, pairs, rewrites, dropped } = sumAccounts(made.map(({ account }) => account));
  const inPairs = Object.entries(dropped).filter(([reason]) => !reason.startsWith("rewrite"));
  const repeated = dropped.duplicate ?? 0;
  const unread = inPairs
    .filter(([reason]) => reason !== "duplicate" && isUnread(reason))
    .reduce((sum, [, times]) => sum + times, 0);
  return {
    passages: chosen.length,
    attempts,
    pairs: { made: pairs.made, unread, repeated, usable: pairs.usable },
    parse: share(pairs.made, pairs.made + unread),
    supported: share(pairs.usable, pairs.made - repeated),
    withThree: made.filter(({ augmented }) => augmented.pairs.length >= 3).length / Math.max(1, made.length),
    rewrites: { ...rewrites, kept: share(rewrites.usable, rewrites.made) },
    dropped,
  };
}

function share(part, whole) {
  return whole === 0 ? undefined : part / whole;
}
