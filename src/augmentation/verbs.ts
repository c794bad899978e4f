/** Verbs as encyclopaedic prose uses them: which forms they have. English only. */

/** base past participle (one word where past and participle are the same). */
const irregular = `
become became become|begin began begun|bind bound|break broke broken|bring brought|build built|burn burned|buy bought|
catch caught|choose chose chosen|come came come|cost cost|cut cut|deal dealt|dig dug|draw drew drawn|drink drank drunk|drive drove driven|
eat ate eaten|fall fell fallen|feed fed|feel felt|fight fought|find found|fly flew flown|forbid forbade forbidden|
freeze froze frozen|get got|give gave given|go went gone|grow grew grown|hang hung|have had|hear heard|hide hid hidden|
hold held|keep kept|light lit|know knew known|lay laid|lead led|leave left|lend lent|let let|lie lay lain|lose lost|make made|
meet met|overlook overlooked|pay paid|put put|read read|rebuild rebuilt|ride rode ridden|ring rang rung|rise rose risen|
run ran run|say said|see saw seen|seek sought|sell sold|send sent|set set|shoot shot|show showed shown|shut shut|
sing sang sung|sink sank sunk|sit sat|sleep slept|speak spoke spoken|spend spent|spread spread|stand stood|steal stole stolen|
strike struck|swim swam swum|take took taken|teach taught|tell told|think thought|throw threw thrown|undergo underwent undergone|
wear wore worn|weave wove woven|sew sewed sewn|grind ground|oversee oversaw overseen|sweep swept|win won|withdraw withdrew withdrawn|write wrote written`;

/** Regular verbs; `*` doubles the last consonant. */
const regular = `
abandon accept accompany achieve acquire act add adopt advise allow announce appear appoint arrange arrive ask assemble attack attend
attract award ban* banish base bear belong blow borrow bottle bury calculate call capture care carry carve cast celebrate chair change
charge claim damage clean climb close collapse collect commission complete compose conduct connect conquer consist consider contain continue
control* convert cook copy cover create cross crown cultivate dance date decide declare decorate dedicate deepen defeat defend
define deliver demolish describe deserve design destroy detect develop devise devote die direct discover dismantle display dissolve
divide donate drain drop* earn edit educate elect emigrate employ enclose end enjoy enlarge enter equip* erect escape establish
evacuate examine exceed exhibit expand explain explore export extend fail favour feature fill finance finish fire flood flow follow
force form found free fund gain gather grant guard guide happen harvest head heat help hire honour house hunt imagine import improve
include increase influence inherit injure inspire install introduce invade invent invest investigate invite issue join jump kill
land last launch learn like link list live load locate look love lower maintain manage manufacture map* mark marry mean measure
melt mention merge migrate mine move murder name need nest note notice number observe obtain occupy occur* offer open operate oppose
order organize own paint pass patent perform photograph pick place plan* plant play please point portray pour practise prefer*
prepare present preserve press prevent print produce promise promote propose protect prove provide publish pull punish
purchase raise range reach receive recommend record recover reduce refer* refuse regain reign reject relocate remain remember remove
rename renovate rent repair replace represent require rescue research resign restore retire return reveal rule sail save score
sculpt search select separate serve settle shape share shelter ship* sign smell smoke solve sound specialize sponsor stage star* start
state stay stop* store stretch study succeed suffer supervise supply support surrender surround survive symbolize taste tend test tour
trade train transfer* translate transport travel treat try turn unite use value visit volunteer vote walk want warn wash watch weigh
welcome widen work worry wound
hate dislike fear dream brew pump bake twin tie bless admire adore avoid bar* belong calm chase climb compete consume criticize
cure dam* debut depict disappear discuss dress echo ease elect embrace employ emerge enable encourage encounter endow ensure
establish estimate evolve exchange excite expel* experience exploit expose express fascinate film fish focus forge gaze
glow illustrate immigrate imitate implement imprison inaugurate incorporate indicate inhabit insist inspect intend intervene
interview isolate knit* label lack lean lease license lift limit lock loot manage melt milk mount nominate nickname object occupy
oversee pack park patrol* perfect persuade pioneer pledge plough polish pollute possess postpone praise predict premiere prompt pump
rank rate react rear rebel* reform reintroduce reopen report reserve resist respond restrict reunite revise revive reward rotate ruin
sabotage scatter schedule shift signal spark specify spill sponsor squeeze steer stir* strengthen submit* substitute
sue suggest suit surpass survey suspect suspend switch tackle target tax terminate test thank thrive tie top* trace
transform transmit* treat trigger twist underline update urge utilize vanish warm widen witness wrap* yield`;

/** Tenses in which a form can stand. */
export interface VerbForm {
  base: string;
  past: boolean;
  participle: boolean;
  /** Third person singular present. */
  present: boolean;
}

interface Paradigm {
  base: string;
  past: string;
  participle: string;
  present: string;
}

const paradigms = new Map<string, Paradigm>();
const forms = new Map<string, VerbForm>();

function add(base: string, past: string, participle = past): void {
  const paradigm = { base, past, participle, present: presentOf(base) };
  paradigms.set(base, paradigm);
  for (const form of new Set([past, participle, paradigm.present]))
    if (!forms.has(form))
      forms.set(form, {
        base,
        past: form === past,
        participle: form === participle,
        present: form === paradigm.present,
      });
}

function presentOf(base: string): string {
  if (base === "have") return "has";
  if (/(?:s|x|z|ch|sh|go)$/.test(base)) return `${base}es`;
  return /[^aeiou]y$/.test(base) ? `${base.slice(0, -1)}ies` : `${base}s`;
}

function regularPast(entry: string): string {
  if (entry.endsWith("*")) return `${entry.slice(0, -1)}${entry.at(-2)}ed`;
  if (entry.endsWith("e")) return `${entry}d`;
  return /[^aeiou]y$/.test(entry) ? `${entry.slice(0, -1)}ied` : `${entry}ed`;
}

// "found" (a company) before "find": encyclopaedias found more than they find.
add("found", "founded");
for (const line of irregular.split("|")) {
  const [base = "", past = "", participle] = line.trim().split(" ");
  add(base, past, participle);
}
for (const entry of regular.trim().split(/\s+/))
  if (!paradigms.has(entry)) add(entry.replace("*", ""), regularPast(entry));
add("bear", "bore", "born");

/** What a finite form or participle is a form of; nothing for words that are no verb we know. */
export function readVerb(form: string): VerbForm | undefined {
  return forms.get(form.toLowerCase());
}

/** Whether a word after "was" is a past participle; a regular one needs no list. */
export function isParticiple(word: string): boolean {
  return readVerb(word)?.participle ?? /^\p{Ll}{2,}[^e\P{Ll}]ed$/u.test(word);
}

/** The past of a base form that `readVerb` gave. */
export function pastOf(base: string): string {
  return paradigms.get(base)?.past ?? regularPast(base);
}

/** The past participle of a base form that `readVerb` gave. */
export function participleOf(base: string): string {
  return paradigms.get(base)?.participle ?? regularPast(base);
}

/** A rough common form for comparing words: verbs by their base, other words without endings, words of one fact alike. */
export function stemOf(word: string): string {
  const lower = word.toLowerCase();
  const stem = roughStem(forms.get(lower)?.base ?? lower);
  return families.get(stem) ?? stem;
}

function roughStem(word: string): string {
  const stem = word.replace(/ies$/, "y").replace(/(?:est|ing|ed|er|or|es|s|e)$/, "");
  return stem.length >= 3 ? stem : word;
}

/** Words that ask for or tell the same fact; the first names it. */
const families = new Map(
  [
    "bear birth birthplace birthday birthdate",
    "die death dead deceased",
    "found founder foundation establish start set create begin",
    "marry wife husband spouse marriage wed wedding",
    "write author writer novel book",
    "design architect designer",
    "build builder construct construction erect",
    "compose composer",
    "paint painter painting",
    "long length",
    "high height tall above",
    "deep depth",
    "wide width broad",
    "win winner award prize receive",
    "invent inventor invention",
    "direct director",
    "discover discovery discoverer",
    "weigh weight heavy",
  ].flatMap((line) => {
    const [first = "", ...others] = line.split(" ");
    return [first, ...others].map((word): [string, string] => [roughStem(word), roughStem(first)]);
  }),
);
