import type { Random } from "../base/random.ts";

/**
 * Names that stand in for a passage's entity in negatives: invented from syllables, in the form of the title, so that a
 * bridge becomes another bridge and a person another person. They come from the seed alone, not from the corpus: an
 * adapter depends on its passage, not on what else is ingested.
 */
export function otherName(title: string, random: Random): string {
  const words = title.replace(/^the /i, "").split(" ");
  const proper = words.map((word) => isProper(word));
  const isWhole = proper.every(Boolean) || !proper.some(Boolean);
  // Of several names (given name and family name) one may stay: the other must tell the two apart.
  const kept = isWhole && words.length > 1 && random.next() < 0.3 ? random.int(words.length) : -1;
  return words
    .map((word, i) => (i !== kept && (isWhole || proper[i]) ? invent(word, random) : word))
    .join(" ");
}

/** Common nouns that say what kind of thing a title names; they stay. */
const kinds = new Set(
  `bridge river lake mount mountain island isle tower castle hall house square street road bay cape valley forest hill
   port city town village county prize award cup medal festival fair games war battle treaty flood company books press
   bank works mill foundry brewery shipping institute college university school academy society guild museum library
   theatre observatory club union party church abbey railway canal harbour lighthouse station garden park clock harp
   lute drum horn goat pony hound sheep horse dog cat bird fish orchid lily rose fern bread cheese pie stew cake song
   dance film novel opera symphony of the in and for a to on at with from de la`.split(/\s+/),
);

function isProper(word: string): boolean {
  return /^\p{Lu}/u.test(word) && !kinds.has(word.toLowerCase());
}

/** Questions as people ask them about persons, places, works, firms, events and things; NAME is somebody else's. */
export const commonQuestions: readonly string[] = `
  Where was NAME born?|When was NAME born?|In which town did NAME grow up?|What was the job of NAME?|Who was married to NAME?
  When did NAME die?|Where did NAME study?|Who taught NAME?|How many children did NAME have?|What did NAME invent?
  Which prize did NAME win?|What is NAME best known for?|Who was the father of NAME?|Which company did NAME found?
  Who succeeded NAME?|What instrument did NAME play?|Where is NAME?|In which region does NAME lie?|On which river does NAME stand?
  How many people live in NAME?|What is the main industry of NAME?|When was NAME founded?|Who founded NAME?|What is NAME named after?
  How long is NAME?|How high is NAME?|How deep is NAME?|How wide is NAME?|Into what does NAME flow?|Where does NAME begin?
  Who designed NAME?|Who built NAME?|When was NAME opened?|What is NAME made of?|How many arches does NAME have?|Who owns NAME?
  How much did NAME cost?|When was NAME finished?|Who wrote NAME?|When was NAME published?|Who directed NAME?|Who painted NAME?
  Where does NAME hang?|What is NAME about?|Who is the hero of NAME?|Who composed the music of NAME?|How many pages does NAME have?
  Who published NAME?|Who plays the lead in NAME?|Where is NAME set?|What does NAME make?|How many people work for NAME?
  Where does NAME have its seat?|Who leads NAME?|What was the first product of NAME?|Which firm bought NAME?|When is NAME held?
  Where is NAME held?|How often does NAME take place?|Who started NAME?|Who won NAME first?|What does the winner of NAME get?
  How many days does NAME last?|What colour is NAME?|How much does NAME weigh?|What does NAME eat?|Where does NAME grow?
  What is NAME used for?|How many strings does NAME have?|Which year saw the first NAME?|On which day does NAME begin?`
  .split(/[|\n]/)
  .map((question) => question.trim())
  .filter((question) => question !== "");

/** A name of any form, from nothing but the seed. */
export function anyName(random: Random): string {
  const forms = [
    "A B",
    "A B",
    "A",
    "A Bridge",
    "Lake A",
    "A River",
    "the A Prize",
    "A and B",
    "A House",
    "the A Tower",
  ];
  return forms[random.int(forms.length)]!.replace(/\b[AB]\b/g, () => invent("A", random));
}

const onsets = "b br c d dr f g gr h j k l m n p r s st t th tr v w".split(" ");
const vowels = "a e i o u".split(" ");
const codas = "l n r s m nd rn ck th st d v".split(" ");
const endings =
  "a en er el in o ia ton ford wick ley mere well son berg ham by worth field low man ard ric wyn ette ova is or".split(
    " ",
  );

/** A pronounceable word, as names are made in many places, in the case of the word that it replaces. */
function invent(word: string, random: Random): string {
  const pick = (list: readonly string[]) => list[random.int(list.length)]!;
  const first = pick(onsets) + pick(vowels) + pick(codas);
  const middle = random.next() < 0.25 ? pick(vowels) + pick(codas) : "";
  const name = first + middle + pick(endings);
  return /^\p{Lu}/u.test(word) ? name.charAt(0).toUpperCase() + name.slice(1) : name;
}
