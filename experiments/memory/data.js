// Writes what memory weights are trained on and what they are measured with, from the data folder into a work folder; nothing of it
// belongs into the repository. Run again, it writes the same.
//
//   npm run --silent build && node experiments/memory/data.js --work WORK
//     --data <folder>      with corpora/ and train/ (default: ../shared/data beside the checkout)
//     --characters <n>     of long articles and of books, each (8,000,000)
//
//   WORK/pretrain/books/*.txt, articles.jsonl   long texts for the first stage
//   WORK/clues/articles.jsonl, questions.jsonl  for clue data of the second stage: rule-made questions, SQuAD's
//   WORK/reward/articles.jsonl, questions.jsonl the same for the third stage, from other articles and other questions
//   WORK/held-out/*.txt                         books that nothing is trained on
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { Random } from "../../dist/base/random.js";
import { clean, readArticles } from "../eval-mini/data.js";

const { values: options } = parseArgs({
  options: {
    work: { type: "string" },
    data: { type: "string", default: resolve(import.meta.dirname, "../../../shared/data") },
    characters: { type: "string", default: "8000000" },
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
const counts = { clueArticles: 800, rewardArticles: 12, rewardQuestions: 150 };

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
  const [long, short] = [[], []];
  for await (const { id, title, text } of readArticles(join(data, "corpora/simplewiki.tar.xz"))) {
    if (Number(id) % heldOutOf === 0) continue;
    const article = { id: Number(id), title, text: clean(text) };
    if (article.text.length >= longArticle) long.push(article);
    else if (article.text.length >= clueArticle[0] && article.text.length <= clueArticle[1])
      short.push(article);
  }
  const random = new Random("memory articles");
  const drawn = (list) =>
    random.shuffle(list.sort((a, b) => a.id - b.id)).map(({ title, text }) => ({ title, text }));
  const articles = [];
  for (const article of drawn(long)) {
    if (articles.reduce((sum, { text }) => sum + text.length, 0) >= characters) break;
    articles.push(article);
  }
  return { articles, short: drawn(short) };
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

/** SQuAD's training questions in a drawn order, those of the third stage first. */
async function readSquad() {
  const packed = await readFile(join(data, "train/squad_train_44_articles.jsonl.gz"));
  const rows = gunzipSync(packed).toString().split("\n").filter(Boolean);
  const random = new Random("memory questions");
  return random.shuffle(rows.map((row) => JSON.parse(row)));
}

for (const folder of ["pretrain/books", "clues", "reward", "held-out"])
  await mkdir(join(work, folder), { recursive: true });
const bookCharacters = await writeBooks();
const { articles, short } = await chooseArticles();
const { clueArticles, rewardArticles, rewardQuestions } = counts;
await writeFile(join(work, "pretrain/articles.jsonl"), jsonl(articles));
await writeFile(join(work, "reward/articles.jsonl"), jsonl(short.slice(0, rewardArticles)));
await writeFile(
  join(work, "clues/articles.jsonl"),
  jsonl(short.slice(rewardArticles, rewardArticles + clueArticles)),
);
const questions = await readSquad();
await writeFile(join(work, "reward/questions.jsonl"), jsonl(questions.slice(0, rewardQuestions)));
await writeFile(join(work, "clues/questions.jsonl"), jsonl(questions.slice(rewardQuestions)));
console.log(
  `${articles.length} long articles, ${bookCharacters} characters of books, ${questions.length} questions in ${work}`,
);
