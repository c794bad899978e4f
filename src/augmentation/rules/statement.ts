import type { QuestionAnswer } from "../../corpus/corpus.ts";
import type { Adverbial, Clause } from "./clause.ts";
import type { Subject } from "./subject.ts";

/** One fact with the wordings in which it can be asked, the plainest first. */
export type FactQuestions = QuestionAnswer[];

/** A clause whose subject is understood. */
export interface Statement extends Clause {
  who: Subject;
}

/** Asks for one kind of fact, where a statement tells it. */
export type Rule = (statement: Statement) => FactQuestions[];

/** "did … open", "was … opened", with what stands between the verb and the part that is asked for. */
export function coreOf({ verb, who, object, adverbials }: Statement, asked?: Adverbial): string {
  const others = adverbials
    .slice(0, asked ? adverbials.indexOf(asked) : adverbials.length)
    .filter((adverbial) => adverbial !== asked && adverbial.kind === "other")
    .map(phraseOf);
  const tail = [object, ...others].filter((part) => part !== "").join(" ");
  return `${auxiliaryOf(verb)} ${who.text} ${mainOf(verb)} ${tail}`;
}

/** The auxiliary of a question: "did", "does", or that of the passive. */
export function auxiliaryOf(verb: Clause["verb"]): string {
  if (verb.kind === "be") return verb.form;
  if (verb.kind === "passive") return verb.auxiliary;
  if (verb.past) return "did";
  return verb.form === verb.base ? "do" : "does";
}

/** The verb as it stands after the auxiliary and the subject. */
export function mainOf(verb: Clause["verb"]): string {
  if (verb.kind === "be") return "";
  return verb.kind === "passive" ? verb.participle : verb.base;
}

/** Preposition and phrase. */
export function phraseOf({ preposition, phrase }: Adverbial): string {
  return `${preposition} ${phrase}`;
}
