// Articles of the atlas with their ready-made augmentation, the last two pairs of each kept from training.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../../dist/base/random.js";
import { passageId } from "../../dist/corpus/identity.js";
import { atlas, atlasRows } from "../atlas.js";

const heldOut = 2;

/** A seeded sample. */
export async function readPassages(count, seed) {
  const texts = await readTexts();
  return new Random(seed).sample(await atlasRows(), count).map(({ title, rewrites, pairs }) => {
    const text = texts.get(title);
    return {
      passage: { id: passageId({ title, text }), documentId: "", title, text, position: 0 },
      rewrites,
      pairs: pairs.slice(0, -heldOut),
      heldOut: pairs.slice(-heldOut),
      augmenter: "authored",
    };
  });
}

async function readTexts() {
  const folder = join(atlas, "documents");
  const texts = new Map();
  for (const file of await readdir(folder)) {
    const [head, ...rest] = (await readFile(join(folder, file), "utf8")).trim().split("\n");
    texts.set(head.replace(/^# /, ""), rest.join("\n").trim());
  }
  return texts;
}
