// What a memory keeps of a text, part by part. Each step is kept under a key, so that the same run goes on after an end.
import { join } from "node:path";
import { Random } from "../../dist/base/random.js";
import { tokensAfter, tokensBefore } from "../../dist/memory/frame.js";
import { memorize } from "../../dist/memory/memorize.js";
import { memorySize } from "../../dist/memory/memory.js";
import { remember } from "../../dist/memory/remember.js";
import { answerPrompts } from "../../dist/prompts/answer.js";
import { memoryFrame } from "../../dist/prompts/memory.js";
import { windowExample } from "../../dist/training/memory-clues.js";
import { continuationOf } from "../../dist/training/memory-pretraining.js";
import { memoryValuesOf } from "../../dist/training/memory-values.js";

/** Stretches of the texts in turn, so that the next one is of another text. */
function stretchesOf(texts, { length, count }) {
  const found = [];
  for (let i = 0; found.length < count; i++) {
    const before = found.length;
    for (const text of texts) {
      if (found.length < count && (i + 1) * length <= text.length)
        found.push(text.slice(i * length, (i + 1) * length));
    }
    if (found.length === before) break;
  }
  return found;
}

/**
 * Nats a token of each stretch's last window, where nothing, everything or a memory of the text before it is known; and the same
 * with the text before another stretch in its place.
 */
export async function measurePerplexity({ parts, memoryModel, texts, ratios, windows, count, steps }) {
  const { window } = memoryModel;
  const trainer = await parts.openMemoryTrainer();
  try {
    const values = await memoryValuesOf(memoryModel);
    const stretches = stretchesOf(texts, { length: window * windows, count });
    const conditions = [
      ["nothing", "nothing"],
      ["everything", "everything"],
      ...ratios.map((ratio) => [ratio, { ratio }]),
    ];
    const rows = [];
    for (const [i, stretch] of stretches.entries()) {
      const foreign = [...stretches[(i + 1) % stretches.length].slice(0, -window), ...stretch.slice(-window)];
      const loss = async (ids, known) => {
        const [score] = await trainer.score([continuationOf(ids, window, known)], values);
        return -score / (window - 1);
      };
      rows.push(
        await steps.step(`perplexity/${windows}/${ratios.join()}/${i}`, stretches.length, async () => {
          const own = {};
          const other = {};
          for (const [name, known] of conditions) {
            own[name] = await loss(stretch, known);
            if (name !== "nothing") other[name] = await loss(foreign, known);
          }
          return { own, other };
        }),
      );
    }
    return { tokens: window * windows, rows };
  } finally {
    await trainer.dispose();
  }
}

const syllables = [
  "bra",
  "dun",
  "fel",
  "gor",
  "hal",
  "kes",
  "lor",
  "mir",
  "nos",
  "pel",
  "quo",
  "tam",
  "vir",
  "wen",
];
const nameOf = (random) => {
  const name = random.sample(syllables, 2).join("");
  return name[0].toUpperCase() + name.slice(1);
};
const goods = "silver honey wool pepper salt tea silk oil cheese tobacco beer rope".split(" ");
const firstNames =
  "Anna Peter Clara David Emma Felix Grace Henry Irene Jacob Laura Martin Nora Oscar Paula Simon".split(" ");
/** Facts of three kinds, in forms that prag-mini answers where they stand in the prompt; `draw` gives two different answers. */
const factKinds = {
  names: {
    draw: (random) => random.sample(firstNames, 2).map((first) => `${first} ${nameOf(random)}`),
    told: ({ place, answer }) => ` ${place} was founded by ${answer}. `,
    question: (place) => `Who founded ${place}?`,
  },
  years: {
    draw: (random) => random.sample([17, 18, 19], 2).map((century) => `${century}${10 + random.int(90)}`),
    told: ({ place, answer }) => ` The bridge of ${place} was built in ${answer}. `,
    question: (place) => `When was the bridge of ${place} built?`,
  },
  words: {
    draw: (random) => random.sample(goods, 2),
    told: ({ place, answer }) => ` The village of ${place} is known for its ${answer}. `,
    question: (place) => `What is the village of ${place} known for?`,
  },
};
const depths = [0, 0.25, 0.5, 0.75, 1];

/** The fact is told in the same text with this answer and with another one: how much likelier it is where it was told, in nats. */
async function difference(trainer, values, { prompts, target, window, known }) {
  const [told, foreign] = prompts.map((prompt) =>
    known === "everything"
      ? everythingOf(prompt, target)
      : windowExample({ prompt, target }, { window, ratio: known, weight: target.length }),
  );
  const [a, b] = await trainer.score([told, foreign], values);
  return a - b;
}

const everythingOf = (prompt, target) => ({
  windows: [[...prompt, ...target]],
  ratios: [0],
  weights: [...prompt.map(() => 0), ...target.map(() => 1)],
});

/**
 * How often the answer of a planted fact stands in what is said greedily, by the fact's kind, its depth in the text and what is known
 * of it; and by how many nats it is likelier than where another one was told. The text ends with a window: all of it is known from
 * memory.
 */
export async function measureRecall({ parts, model, memoryModel, texts, ratios, windows, facts, steps }) {
  const { tokenizer } = model;
  const { window } = memoryModel;
  const session = await parts.memorySession();
  const generator = await parts.generator();
  const trainer = await parts.openMemoryTrainer();
  const values = await memoryValuesOf(memoryModel);
  const frame = memoryFrame("Text");
  const before = tokensBefore(tokenizer, frame);
  const tokens = window * (windows - 1) - before.length;
  /** The text with a fact at a depth. */
  const textWith = (random, { filler, depth, line }) => {
    const fact = tokenizer.tokenize(line);
    const length = tokens - fact.length;
    const begin = random.int(filler.length - length);
    const cut = begin + Math.floor(depth * length);
    return [...filler.slice(begin, cut), ...fact, ...filler.slice(cut, begin + length)];
  };
  const ask = async (i, { kind, known, depth }) => {
    const { draw, told, question: questionOf } = factKinds[kind];
    const of = () => new Random(`fact ${depth} ${i}`);
    const random = of();
    const place = nameOf(random);
    const answers = draw(random);
    const filler = texts[i % texts.length];
    const [ids, foreign] = answers.map((answer) =>
      textWith(of().fork("place"), { filler, depth, line: told({ place, answer }) }),
    );
    const passages = known === "everything" ? [{ title: "Text", text: tokenizer.detokenize(ids) }] : [];
    const memory =
      typeof known === "number"
        ? await remember(session, model.config, { ids: [...before, ...ids], ratio: known, frame })
        : undefined;
    const question = questionOf(place);
    const messages = answerPrompts.messages(question, { passages });
    const request = { messages, prefix: answerPrompts.prefix, maxTokens: 12, memory };
    const [{ text }] = await generator.generateBatch([request]);
    const after = tokensAfter(tokenizer, frame, answerPrompts.messages(question));
    const target = tokenizer.tokenize(answerPrompts.target({ question, answer: answers[0] }));
    const prompts = [ids, foreign].map((some) => [...before, ...some, ...after]);
    const nats =
      known === "nothing" ? 0 : await difference(trainer, values, { prompts, target, window, known });
    return { found: text.includes(answers[0]), nats };
  };
  const cells = [];
  const asked = Object.keys(factKinds).flatMap((kind) =>
    ["nothing", "everything", ...ratios].flatMap((known) => depths.map((depth) => ({ kind, known, depth }))),
  );
  try {
    for (const cell of asked) {
      const { kind, known, depth } = cell;
      const rows = [];
      for (let i = 0; i < facts; i++) {
        const step = `recall of ${kind}/${windows}/${known}/${depth}/${i}`;
        rows.push(await steps.step(step, asked.length * facts, () => ask(i, cell)));
      }
      const recall = rows.filter(({ found }) => found).length / facts;
      const nats = rows.reduce((sum, row) => sum + row.nats, 0) / facts;
      cells.push({ ...cell, recall, nats, facts });
    }
  } finally {
    await trainer.dispose();
  }
  return { tokens, cells };
}

const seconds = () => performance.now() / 1000;

/** Bytes of keys and values, and seconds: to read a text into a memory, and from a question to the first token. */
export async function measureCosts({ parts, model, memoryModel, texts, ratios, steps }) {
  const { window } = memoryModel;
  const { tokenizer, config } = model;
  const session = await parts.memorySession();
  const generator = await parts.generator();
  const question = answerPrompts.messages("Who is it?");
  const firstToken = async (request) => {
    await generator.generateBatch([{ ...request, maxTokens: 1 }]); // opens what the second finds open
    const start = seconds();
    await generator.generateBatch([{ ...request, maxTokens: 1 }]);
    return seconds() - start;
  };
  const lengths = [Math.floor(config.contextLength * 0.75), 4 * config.contextLength];
  const rows = [];
  for (const tokens of lengths.map((length) => length - (length % window))) {
    const ids = texts[0].slice(0, tokens);
    const row = (known, compute) =>
      steps.step(`costs/${tokens}/${known}`, lengths.length * (ratios.length + 1), async () => ({
        tokens,
        known,
        ...(await compute()),
      }));
    if (tokens < config.contextLength) {
      const passages = [{ title: "Text", text: tokenizer.detokenize(ids) }];
      const messages = answerPrompts.messages("Who is it?", { passages });
      rows.push(
        await row("everything", async () => ({
          bytes: memorySize(config, { tokens, window, ratio: ratios[0] }).fullBytes,
          firstTokenSeconds: await firstToken({ messages }),
        })),
      );
    }
    for (const ratio of ratios) {
      rows.push(
        await row(ratio, async () => {
          const size = memorySize(config, { tokens, window, ratio });
          const start = seconds();
          const memory = await remember(session, config, { ids, ratio, frame: memoryFrame("Text") });
          const buildSeconds = seconds() - start;
          const { bytes, fullBytes } = size;
          const firstTokenSeconds = await firstToken({ messages: question, memory });
          return { bytes, share: bytes / fullBytes, buildSeconds, firstTokenSeconds };
        }),
      );
    }
  }
  return rows;
}

/** Reads a very long text at ratio 32, and watches what the process holds beside the cache of the memory. */
export async function measureLong({ parts, model, memoryModel, texts, tokens, work, steps }) {
  return steps.step(`long/${tokens}`, 1, async () => {
    const session = await parts.memorySession();
    const ids = [];
    while (ids.length < tokens) for (const text of texts) for (const id of text) ids.push(id);
    ids.length = tokens;
    const { bytes } = memorySize(model.config, { tokens, window: memoryModel.window, ratio: 32 });
    const held = [];
    const start = seconds();
    const header = await memorize(session, model.config, {
      ids,
      ratio: 32,
      frame: memoryFrame("Text"),
      path: join(work, "long.safetensors"),
      progress({ done }) {
        if (held.length <= (100 * done) / tokens) held.push({ tokens: done, rss: process.memoryUsage().rss });
        steps.progress({ task: "read a long text", done, total: tokens, note: "tokens" });
      },
    });
    return {
      tokens,
      ratio: 32,
      entries: header.entries,
      cacheBytes: bytes,
      seconds: seconds() - start,
      held,
    };
  });
}
