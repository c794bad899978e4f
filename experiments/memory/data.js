// Writes what memory weights are trained on and what they are measured with, from the data folder into a work folder; nothing of it
// belongs into the repository. Run again, it writes the same.
//
//   npm run --silent build && node experiments/memory/data.js --work WORK
//     --data <folder>      with corpora/ and train/ (default: ../shared/data beside the checkout)
//     --characters <n>     of long articles and of books, each (4,000,000)
//
//   WORK/pretrain/books/*.txt, articles.jsonl   long texts for the first stage
//   WORK/pretrain/repeated.jsonl, planted.jsonl   four windows, the last of which says one of the others again, or asks what they told
//   WORK/copy/repeated.jsonl, planted.jsonl     the same with two windows, to begin with
//   WORK/planted-clues.jsonl                    clue data about such facts, in its own form
//   WORK/clues/articles.jsonl, questions.jsonl  for clue data of the second stage: rule-made questions, SQuAD's
//   WORK/reward/articles.jsonl, questions.jsonl the same for the third stage, from other articles and other questions
//   WORK/held-out/*.txt                         books that nothing is trained on
//   WORK/measure/articles.jsonl, questions.jsonl  as above, of held-out articles and of SQuAD's development questions
//   WORK/longbench/squad.jsonl, altqa.jsonl     questions about long texts in LongBench's layout: whole articles of SQuAD, BAMBOO
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../../dist/base/random.js";
import { tokensBefore } from "../../dist/memory/frame.js";
import { memoryFrame } from "../../dist/prompts/memory.js";
import { sentences } from "../../dist/text/sentences.js";
import { openTokenizer } from "../../dist/weights/tokenizer.js";
import { clean, readArticles, readRows } from "../eval-mini/data.js";
import { plantedExample, plantedText, repeatedText } from "./planted.js";

const { values: options } = parseArgs({
  options: {
    work: { type: "string" },
    data: { type: "string", default: resolve(import.meta.dirname, "../../../shared/data") },
    characters: { type: "string", default: "4000000" },
  },
});
if (!options.work) throw new Error("name a folder for the texts: --work WORK");
const { work, data } = options;
const characters = Number(options.characters);

/** Books to measure on. */
const heldOutBooks = ["time_machine", "frankenstein", "sherlock_holmes", "walden"];
/** One article in forty is never trained on, as for prag-mini: those whose id it divides. */
const heldOutOf = 40;
/** Characters of an article that has several windows, and of one that questions are made on. */
const [longArticle, clueArticle] = [5000, [800, 4000]];
/** Articles that the rules make questions on, and questions of SQuAD, for the third stage. */
const counts = {
  repeated: 3000,
  planted: 6000,
  clueArticles: 2000,
  rewardArticles: 40,
  rewardQuestions: 120,
  measured: 60,
};
/** Characters of an article of SQuAD that is long. One question is asked about each: intervals are over texts. */
const leastOfArticle = 10_000;
/** Tokens of a window, and windows of the texts of the first stage's two steps. */
const [window, steps] = [128, { copy: 2, pretrain: 4 }];

const jsonl = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** A book without what Project Gutenberg says around it. */
function bodyOf(book) {
  const [, begun = book] = book.split(/^\*\*\* ?START OF .*\*\*\*\s*$/m);
  return begun
    .split(/^\*\*\* ?END OF /m)[0]
    .replace(/\r/g, "")
    .trim();
}

/** Long articles up to the wanted number of characters, and shorter ones for questions, each drawn by a seed. */
async function chooseArticles() {
  const [long, short, heldOut] = [[], [], []];
  for await (const { id, title, text } of readArticles(join(data, "corpora/simplewiki.tar.xz"))) {
    const article = { id: Number(id), title, text: clean(text) };
    const isShort = article.text.length >= clueArticle[0] && article.text.length <= clueArticle[1];
    if (Number(id) % heldOutOf === 0) {
      if (isShort) heldOut.push(article);
    } else if (article.text.length >= longArticle) long.push(article);
    else if (isShort) short.push(article);
  }
  const random = new Random("memory articles");
  const drawn = (list) =>
    random.shuffle(list.sort((a, b) => a.id - b.id)).map(({ title, text }) => ({ title, text }));
  const articles = [];
  let written = 0;
  for (const article of drawn(long)) {
    if (written >= characters) break;
    articles.push(article);
    written += article.text.length;
  }
  return { articles, short: drawn(short), heldOut: drawn(heldOut) };
}

async function writeBooks() {
  const folder = join(work, "unpacked");
  await mkdir(folder, { recursive: true });
  const packed = join(data, "corpora/gutenberg_30_books.tar.xz");
  await new Promise((done, failed) => {
    const tar = spawn("tar", ["-xJf", packed, "-C", folder], { stdio: "inherit" });
    tar.on("error", failed);
    tar.on("close", (code) => (code === 0 ? done() : failed(new Error(`tar could not read ${packed}`))));
  });
  let written = 0;
  const names = (await readdir(folder)).filter((name) => name.endsWith(".txt")).sort();
  for (const name of new Random("memory books").shuffle(names)) {
    const isHeldOut = heldOutBooks.includes(name.slice(0, -4));
    if (!isHeldOut && written >= characters) continue;
    const book = bodyOf(await readFile(join(folder, name), "utf8"));
    const body = isHeldOut ? book : book.slice(0, characters / 10); // no book is most of it
    await writeFile(join(work, isHeldOut ? "held-out" : "pretrain/books", name), body);
    if (!isHeldOut) written += body.length;
  }
  await rm(folder, { recursive: true });
  return written;
}

const tokenizer = await openTokenizer(join(import.meta.dirname, "../../models", "prag-mini"));
const lengthOf = (text) => tokenizer.tokenize(text).length;

/** The windows of an article, the last of which says one of the others again. */
const sayAgain =
  (windows) =>
  ({ title, text }, i) => {
    const ids = tokenizer.tokenize(text.slice(0, 8 * window * windows));
    const detokenize = (some) => tokenizer.detokenize(some);
    return repeatedText(new Random(`repeated ${i}`), { title, ids, window, windows, detokenize });
  };

/** Facts between the sentences of an article. */
const plantInto =
  (make, more) =>
  ({ title, text }, i) =>
    make(new Random(`planted ${i}`), {
      ...{ title, sentences: sentences(text.slice(0, 5000)), window, lengthOf },
      ...more({ title }),
    });

/** Questions in a drawn order. */
const shuffled = (rows) => new Random("memory questions").shuffle(rows);

/** Whole articles of SQuAD with some of their questions. */
function longArticles(rows) {
  const articles = new Map();
  for (const row of rows) {
    const [{ title, text }] = row.contexts;
    const article = articles.get(title) ?? { paragraphs: new Set(), rows: [] };
    article.paragraphs.add(text);
    article.rows.push(row);
    articles.set(title, article);
  }
  return [...articles].flatMap(([title, { paragraphs, rows: own }]) => {
    const context = [...paragraphs].join("\n\n");
    if (context.length < leastOfArticle) return [];
    const [{ id, question, answers }] = shuffled(own);
    return [{ _id: id, input: question, title, context, answers }];
  });
}

/** BAMBOO's questions with a number for an answer; text and question stand in one prompt there. */
function longNumbers(rows) {
  return rows.flatMap(({ content, answer }, i) => {
    const [, context, input] = /Document:\n([\s\S]*)\n\nQuestion:\s*(.*)/.exec(content) ?? [];
    return input ? [{ _id: String(i), input, context, answers: [String(answer)] }] : [];
  });
}

for (const folder of ["pretrain/books", "copy", "clues", "reward", "held-out", "measure", "longbench"])
  await mkdir(join(work, folder), { recursive: true });
const bookCharacters = await writeBooks();
const { articles, short, heldOut } = await chooseArticles();
const { clueArticles, rewardArticles, rewardQuestions, measured, repeated, planted } = counts;
await writeFile(join(work, "pretrain/articles.jsonl"), jsonl(articles));
const rest = short.slice(rewardArticles + clueArticles);
const between = rest.slice(repeated, repeated + planted);
for (const [folder, windows] of Object.entries(steps)) {
  const again = rest.filter(({ text }) => text.length > 5 * window * windows).slice(0, repeated);
  await writeFile(join(work, folder, "repeated.jsonl"), jsonl(again.map(sayAgain(windows))));
  const enough = between.filter(({ text }) => text.length > 5 * window * windows);
  const texts = enough.map(plantInto(plantedText, () => ({ windows })));
  await writeFile(join(work, folder, "planted.jsonl"), jsonl(texts));
}
const before = ({ title }) => ({ before: tokensBefore(tokenizer, memoryFrame(title)).length });
await writeFile(join(work, "planted-clues.jsonl"), jsonl(between.map(plantInto(plantedExample, before))));
await writeFile(join(work, "reward/articles.jsonl"), jsonl(short.slice(0, rewardArticles)));
await writeFile(
  join(work, "clues/articles.jsonl"),
  jsonl(short.slice(rewardArticles, rewardArticles + clueArticles)),
);
const questions = shuffled(await readRows(join(data, "train/squad_train_44_articles.jsonl.gz")));
const asked = await readRows(join(data, "eval/squad_dev_part1.jsonl.gz"));
await writeFile(join(work, "measure/articles.jsonl"), jsonl(heldOut.slice(0, measured)));
await writeFile(join(work, "measure/questions.jsonl"), jsonl(shuffled(asked).slice(0, measured)));
const long = {
  squad: longArticles(asked),
  altqa: longNumbers(await readRows(join(data, "eval/bamboo_altqa_4k.jsonl.gz"))),
};
for (const [dataset, rows] of Object.entries(long)) {
  const own = rows.map((row) => ({ ...row, dataset, metric: "f1" }));
  await writeFile(join(work, `longbench/${dataset}.jsonl`), jsonl(own));
}
await writeFile(join(work, "reward/questions.jsonl"), jsonl(questions.slice(0, rewardQuestions)));
await writeFile(join(work, "clues/questions.jsonl"), jsonl(questions.slice(rewardQuestions)));
console.log(
  `${articles.length} long articles, ${bookCharacters} characters of books, ${questions.length} questions, ${long.squad.length} and ${long.altqa.length} about long texts in ${work}`,
);
