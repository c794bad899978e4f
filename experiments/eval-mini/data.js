// The texts and questions of eval:mini, read from the data folder; nothing of them is written but into the work folder.
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gunzipSync } from "node:zlib";
import { sha256OfFile } from "../../dist/base/hash.js";
import { Random } from "../../dist/base/random.js";
import { chunk } from "../../dist/corpus/chunk.js";
import { passageId } from "../../dist/corpus/identity.js";

/** Where the two sets lie in the data folder. */
const wikipedia = "corpora/simplewiki.tar.xz";
const squad = "eval/squad_dev_part1.jsonl.gz";

/** The SHA-256 of the two sets; nothing for one that the folder does not have. */
export async function findData(folder) {
  const hash = (path) => sha256OfFile(join(folder, path)).catch(() => undefined);
  return { wikipedia: await hash(wikipedia), squad: await hash(squad) };
}

/** One article in forty is never trained on: those whose id it divides (scripts/prag-mini/sources.py). */
const heldOutOf = 40;
const [leastCharacters, leastWords] = [200, 40];

/**
 * First passages (at most 100 words) of articles of Simple English Wikipedia that were held out of training, in the order of their
 * ids. Unpacking takes half a minute, so what was found is kept in the work folder.
 */
export async function heldOutPassages(data, { work, progress }) {
  const kept = join(work, "held-out.jsonl");
  const before = await readFile(kept, "utf8").catch(() => undefined);
  if (before !== undefined) return parseLines(before);
  const found = [];
  let read = 0;
  for await (const article of readArticles(join(data, wikipedia))) {
    if (++read % 5000 === 0) progress({ task: "held-out articles", done: read, total: 273_220 });
    if (Number(article.id) % heldOutOf !== 0 || article.text.length < leastCharacters) continue;
    const [text = ""] = chunk(clean(article.text));
    if (text.split(/\s+/).length >= leastWords)
      found.push({ article: Number(article.id), ...passageOf(article.title, text) });
  }
  found.sort((a, b) => a.article - b.article);
  await writeFile(kept, found.map((one) => `${JSON.stringify(one)}\n`).join(""));
  return found;
}

/** The articles of a dump in the form of wikiextractor, packed by tar and xz. */
export async function* readArticles(path) {
  const tar = spawn("tar", ["-xOJf", path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve, reject) => {
    tar.on("error", (error) => reject(new Error(`tar with xz is needed to read ${path}: ${error.message}`)));
    tar.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`tar could not read ${path}`))));
  });
  ended.catch(() => undefined); // thrown below
  for await (const line of createInterface({ input: tar.stdout })) if (line !== "") yield JSON.parse(line);
  await ended;
}

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: " ", apos: "'" };

/** As the training data was cleaned: entities, empty brackets, spaces. */
export function clean(text) {
  return text
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&([a-z]+);/g, (all, name) => entities[name] ?? all)
    .replace(/\(\s*[,;]*\s*\)/g, "")
    .replace(/[ \t\u00a0]+/g, " ")
    .replace(/ ([,.;])/g, "$1")
    .trim();
}

/** The paragraphs of SQuAD, each with its questions, and all of them as questions of a dataset. */
export async function readSquad(data) {
  const rows = await readRows(join(data, squad));
  const paragraphs = new Map();
  const asked = new Map();
  for (const { question } of rows) asked.set(question, (asked.get(question) ?? 0) + 1);
  for (const { id, question, answers, contexts } of rows) {
    if (asked.get(question) > 1) continue; // the right passage is looked up by the question
    const [{ title, text }] = contexts;
    const passage = passageOf(
      decodeURIComponent(title).replaceAll("_", " "),
      text.replace(/\s+/g, " ").trim(),
    );
    const paragraph = paragraphs.get(passage.id) ?? { passage, questions: [] };
    paragraph.questions.push({
      id,
      type: "squad",
      question: question.trim(),
      answers,
      articles: [],
      contexts: [passage.text],
      paragraphs: [],
    });
    paragraphs.set(passage.id, paragraph);
  }
  return [...paragraphs.values()];
}

/** A seeded sample in a fixed order. */
export function sample(items, count, { seed, name }) {
  return new Random(seed).fork(name).sample(items, count);
}

function passageOf(title, text) {
  const id = passageId({ title, text });
  return { id, documentId: id, title, text, position: 0 };
}

/** The rows of a compressed JSONL file. */
export async function readRows(path) {
  return parseLines(gunzipSync(await readFile(path)).toString());
}

function parseLines(text) {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
