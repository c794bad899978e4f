import type { Random } from "../../base/random.ts";
import type { Passage } from "../../corpus/corpus.ts";
import { sentences } from "../../text/sentences.ts";
import { capitalize } from "./phrases.ts";
import { resolveSubject, type Subject, type Topic, topicOf, withTitle } from "./subject.ts";

/** Words that tie a sentence to the one before. */
const tied =
  /\b(?:then|later|also|however|therefore|instead|afterwards|still|too|another|other|others|this|these|that|those|such|there|they|them|their|both|latter|former)\b/i;

/**
 * The same sentences in another order, where that is safe: a sentence that speaks of the title (by name, or by a pronoun,
 * which is then replaced by the name) may move, with those after it that do not; the beginning stays. Nothing where
 * fewer than two such groups can change places.
 */
export function rewriteByRule(passage: Pick<Passage, "title" | "text">, random: Random): string | undefined {
  const { topic, text } = topicOf(passage);
  const groups: string[][] = [];
  let previous: Subject | undefined;
  for (const sentence of sentences(text)) {
    const free = previous && tied.test(sentence) ? undefined : freeSentence(sentence, topic, previous);
    if (groups.length === 0 || free !== undefined) groups.push([free ?? sentence]);
    else groups.at(-1)!.push(sentence);
    previous = { text: "", isTopic: free !== undefined, isPerson: topic.isPerson };
  }
  const [first, ...movable] = groups;
  if (!first || movable.length < 2) return undefined;
  const shuffled = random.shuffle(movable);
  // A rewrite that moves nothing would teach nothing new.
  const moved = shuffled.some((group, i) => group !== movable[i])
    ? shuffled
    : [...movable.slice(1), movable[0]!];
  return [first, ...moved]
    .flat()
    .map((sentence) => capitalize(withTitle(sentence, topic)))
    .join(" ");
}

/** The sentence with the topic's name as its subject; nothing where its subject is another or unsure. */
function freeSentence(sentence: string, topic: Topic, previous: Subject | undefined): string | undefined {
  const name = capitalize(topic.name);
  const pronoun = /^(?:He|She|It)(?= )/.exec(sentence)?.[0];
  if (pronoun !== undefined)
    return resolveSubject(pronoun, topic, previous)?.isTopic
      ? name + sentence.slice(pronoun.length)
      : undefined;
  const owning = /^(?:His|Her|Its)(?= )/.exec(sentence)?.[0];
  if (owning !== undefined)
    return previous?.isTopic && (owning === "Its") !== topic.isPerson
      ? `${name}'s${sentence.slice(owning.length)}`
      : undefined;
  return sentence.startsWith(`${name} `) ? sentence : undefined;
}
