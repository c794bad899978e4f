// The table of eval:mini: every measure with its number, interval, target, and what another model reached.
import { percent, table } from "../report.js";
import { groups } from "./adapters.js";

/** Targets set before the training, per cent (F1 unless said otherwise). */
const targets = {
  "SQuAD, gold paragraph": "≥ 20 after 60 minutes, ≥ 26 after 3 hours of training",
  "pairs that pass the check": "≥ 75",
  "paragraphs, right adapter, trained": "≥ 95",
  "paragraphs, right adapter, reworded by rule": "≥ 65",
  "paragraphs, right adapter, reworded by people": "≥ 65",
  "paragraphs, merged, trained": "≥ 75",
  "paragraphs, merged, reworded by rule": "≥ 45",
  "paragraphs, merged, reworded by people": "≥ 45",
};

const runNames = { "closed-book": "closed-book", right: "right adapter", merged: "merged" };

/** Every line that the results have: what is measured, how it is written, and what it was measured on. */
function linesOf({ parts }) {
  const lines = [];
  const add = (name, value, on) => lines.push({ name, value, on });
  const f1 = (name, scores, extra = "") => {
    if (scores?.n)
      add(
        name,
        `${percent(scores.f1)} [${percent(scores.low)}, ${percent(scores.high)}], EM ${percent(scores.em)}${extra}`,
        `${scores.n} questions`,
      );
  };
  const { perplexity, writing, atlas, paragraphs } = parts;
  if (perplexity)
    add(
      "perplexity, held-out Simple Wikipedia",
      `${perplexity.perplexity.toFixed(2)} a token, ${perplexity.bitsPerByte.toFixed(3)} bits a byte`,
      `${perplexity.passages} passages, ${perplexity.tokens} tokens`,
    );
  f1("SQuAD, gold paragraph", parts["reading-gold"]);
  const three = parts["reading-three"];
  f1("SQuAD, three paragraphs by BM25", three, three && `; gold among them ${percent(three.recall)}`);
  f1("SQuAD, floor: closed-book", parts["reading-nothing"]);
  f1("SQuAD, floor: a random noun phrase of the gold paragraph", parts["reading-phrase"]);
  if (writing) addWriting(add, writing);
  for (const [run, rows] of Object.entries(atlas?.rows ?? {}))
    for (const [group, scores] of Object.entries(rows)) f1(`atlas, ${run}, ${group}`, scores);
  for (const [run, rows] of Object.entries(paragraphs?.rows ?? {}))
    for (const group of groups) f1(`paragraphs, ${runNames[run]}, ${group}`, rows[group]);
  return lines;
}

function addWriting(add, { passages, attempts, pairs, parse, supported, withThree, rewrites }) {
  const on = `${passages} held-out passages, ${attempts} texts`;
  add("pairs that parse", `${percent(parse)} (${pairs.made} read, ${pairs.unread} not)`, on);
  add(
    "pairs that pass the check",
    `${percent(supported)} (of ${pairs.made - pairs.repeated}; ${pairs.repeated} repeats not counted)`,
    on,
  );
  add("passages with three good pairs", percent(withThree), on);
  add("rewrites kept", `${percent(rewrites.kept)} (${rewrites.usable} of ${rewrites.made})`, on);
}

/** The page; `before` are the results of another model. */
export function findingsText(results, before) {
  const { date, machine, model, seed, merge, parts, left } = results;
  const lines = linesOf(results);
  const old = new Map(before ? linesOf(before).map(({ name, value }) => [name, value]) : []);
  const header = [
    "measure",
    "figure",
    "measured on",
    "target",
    ...(before ? [`${before.model.name} ${before.model.fingerprint}`] : []),
  ];
  const rows = lines.map(({ name, value, on }) => [
    name,
    value,
    on,
    targets[name] ?? "",
    ...(before ? [old.get(name) ?? "–"] : []),
  ]);
  return [
    `${date}, ${machine}; model ${model.name} (${model.fingerprint}), seed ${seed}, adapters merged by ${merge.weights} × ${merge.scale} at k = 3. F1 in per cent with the 95 % interval over other questions, EM in per cent.`,
    table(header, rows),
    ...(left.length ? [`Left out: ${left.join("; ")}.`] : []),
    "What was done:",
    [
      "- Perplexity: title and first passage (at most 100 words) of held-out articles (id divisible by 40), each behind the model's BOS.",
      "- SQuAD: development questions of part 1, greedy, 32 tokens at most. BM25 searches all paragraphs of the set. A noun phrase is a row of adjectives, numbers, nouns and names as wink-nlp tags them; one is drawn evenly.",
      "- Question writing: the engine's model augmenter with the paper's numbers (3 pairs, 1 rewrite, up to 10 samplings each), on first passages of held-out articles. A pair passes where the check finds its question sound and its answer supported by the passage.",
      "- Atlas: ready-made pairs, the model's recipe; `right` sums the adapters of the supporting articles alone, `shuffled` gives every passage the adapter of another.",
      `- Paragraphs${parts.paragraphs ? ` (${parts.paragraphs.passages}, with ${parts.paragraphs.trainedPairs} trained pairs)` : ""}: of each paragraph's questions one half, drawn by the seed, is trained (those that pass the engine's check; the rest of that half is left out), with the shortest answer; so are the first wordings of up to two facts that the rules can ask in two. \`trained\`: the half as trained. \`reworded by rule\`: the second wordings of those facts. The other half was never trained: \`reworded by people\` asks for an answer that a trained pair has, \`other facts\` for one that none has. \`right adapter\`: the paragraph's own alone; \`merged\`: those of the three that BM25 finds among these paragraphs.`,
      "- Targets without a line here: templated questions ≥ 90 (scripts/prag-mini/evaluate.py measures them), own generated pairs alone at k = 3 (21 when the targets were set), usable pairs ≥ 60 as read by eye.",
    ].join("\n"),
  ].join("\n\n");
}
