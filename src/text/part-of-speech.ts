import type { ItemToken } from "wink-nlp";
import type { Span } from "./segments.ts";

/** A word or sign of a text with what it is for. */
export interface TaggedWord extends Span {
  /** A noun, name, adjective, verb or number: it says what the text is about. */
  isContent: boolean;
  /** A word that most texts have, such as "the" or "was", or a sign. */
  isStopWord: boolean;
}

/** Tags the words of an English text. */
export type Tagger = (text: string) => TaggedWord[];

/** Universal part-of-speech tags of content words: https://universaldependencies.org/u/pos/. */
const contentTags = new Set(["NOUN", "PROPN", "ADJ", "VERB", "NUM"]);

/** Opens the tagger; its model is read when it is first opened, as few methods need it. */
export async function openTagger(): Promise<Tagger> {
  const [{ default: createNlp }, { default: model }] = await Promise.all([
    import("wink-nlp"),
    import("wink-eng-lite-web-model"),
  ]);
  const nlp = createNlp(model, ["sbd", "pos"]);
  const { its } = nlp;
  return (text) => {
    const tagged: TaggedWord[] = [];
    let at = 0;
    nlp
      .readDoc(text)
      .tokens()
      .each((token: ItemToken) => {
        const word = token.out();
        const start = text.indexOf(word, at);
        if (start < 0) return; // the library has changed a rare sign
        at = start + word.length;
        const isContent = contentTags.has(token.out(its.pos));
        tagged.push({
          start,
          end: at,
          isContent,
          isStopWord: token.out(its.stopWordFlag) === true || !/[\p{L}\p{N}]/u.test(word),
        });
      });
    return tagged;
  };
}
