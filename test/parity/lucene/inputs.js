// Deterministic inputs, shared by the parity test, the fixture maker and the benchmark. Plain JavaScript, so that Node 20
// runs it without a build. A change here makes the fixtures stale: run scripts/fixtures/lucene/make.sh again.

/** Uniform in [0, 1) from a 32-bit state (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

const stems = (
  "nation region tradition connect construct direct relate create generate operate civil general formal local national " +
  "hope care use power river harbour bridge tower glass stone garden winter summer letter paper music school teacher " +
  "build climb paint write travel govern settle argue agree move live walk plan stop run study carry marry happy busy " +
  "city party country family history industry society library glory enemy energy academy ability variety quality " +
  "sense dense active native motive decide divide provide replace place trace office service notice practice device " +
  "conflate probate trouble capable flexible notable visible digit triplet formative electric hypothetic hope good"
).split(" ");
const suffixes = [
  "",
  "",
  "",
  "s",
  "ed",
  "ing",
  "er",
  "ers",
  "ation",
  "ational",
  "ness",
  "ful",
  "ly",
  "ment",
  "ity",
  "'s",
  "ies",
];
const commonWords =
  "the of and a to in is it for on with as was by that an at be or not from this into there their".split(" ");
const onsets = "b br c d dr f g gl h j k kl l m n p qu r s sk st t th tr v w z".split(" ");
const vowels = "a e i o u ae ei y".split(" ");
const codas = ["", "", "l", "n", "r", "s", "st", "rk", "m", "nd"];

function inventedWord(random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  let word = "";
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) word += pick(onsets) + pick(vowels) + pick(codas);
  return word;
}

/** The vocabulary: English words with endings first, then invented ones; frequent ones first. */
function vocabulary() {
  const random = randomFrom(7);
  const words = [];
  for (let i = 0; i < 12000; i++) {
    const stem = stems[Math.floor(random() * stems.length)];
    const english = stem + suffixes[Math.floor(random() * suffixes.length)];
    words.push(random() < (i < 1500 ? 0.6 : 0.05) ? english : inventedWord(random));
  }
  return words;
}
const words = vocabulary();

/** A word by a skewed distribution, so that some are everywhere and many are rare. */
function drawWord(random) {
  if (random() < 0.35) return commonWords[Math.floor(random() ** 2 * commonWords.length)];
  return words[Math.floor(random() ** 3 * words.length)];
}

function drawText(random, length) {
  const topic = Array.from({ length: 4 }, () => drawWord(random));
  let text = "";
  for (let i = 0; i < length; i++) {
    let word = random() < 0.12 ? topic[Math.floor(random() * topic.length)] : drawWord(random);
    const chance = random();
    if (chance < 0.1) word = word[0].toUpperCase() + word.slice(1);
    else if (chance < 0.12) word = word.toUpperCase();
    else if (chance < 0.13) word = String(Math.floor(random() * 2000));
    const end = random();
    text += (i ? " " : "") + word + (end < 0.06 ? "." : end < 0.1 ? "," : end < 0.11 ? " –" : "");
  }
  return text;
}

export function makePassages(count, seed = 1) {
  const random = randomFrom(seed);
  const passages = [];
  for (let i = 0; i < count; i++) {
    const id = `p${Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0")}-${i}`;
    const earlier = passages[Math.floor(random() * i)];
    const isTwin = earlier !== undefined && random() < 0.01; // equal scores
    const length = Math.max(1, Math.round(400 ** random()));
    const title = random() < 0.1 ? "" : drawText(random, 1 + Math.floor(random() * 4));
    const text = drawText(random, random() < 0.5 ? length : 60 + Math.floor(random() * 80));
    passages.push(isTwin ? { ...earlier, id } : { id, title, text });
  }
  return passages;
}

export function makeQueries(count, seed = 2) {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => {
    const length = 1 + Math.floor(random() * 9);
    const parts = Array.from({ length }, () => drawWord(random));
    if (random() < 0.25) parts.push(parts[0], parts[0]);
    if (random() < 0.1) parts.push("unheardofword");
    return `${parts.join(" ")}${random() < 0.5 ? "?" : ""}`;
  });
}

const strings = [
  "",
  " ",
  "…",
  "—",
  "...",
  "a",
  "I",
  "The",
  "THE the The's",
  "the's",
  "not to be",
  "s",
  "'s",
  "’s",
  "'",
  "it's",
  "its",
  "It’s",
  "dogs'",
  "dog's",
  "dog’s",
  "dog＇s",
  "DOG'S",
  "DOG’S",
  "boss's",
  "James's",
  "O'Reilly's",
  "o’clock",
  "rock'n'roll",
  "don't",
  "can’t",
  "'quoted'",
  "‘quoted’",
  "“quoted”",
  "«quoted»",
  '"quoted"',
  "l'avion",
  "d'être",
  "a'b'c",
  "a''b",
  "x's's",
  "cat's-eye",
  "s's",
  "well-known",
  "state-of-the-art",
  "e-mail",
  "co-operate",
  "twenty–one",
  "non‑breaking",
  "a-b-c",
  "-5",
  "+5",
  "1-2",
  "1,234,567.89",
  "1.234,5",
  "3.14",
  "3.14.15",
  ".5",
  "5.",
  "1,",
  "1;2",
  "1:2",
  "12:30",
  "10:30am",
  "50%",
  "$9.99",
  "€5",
  "№5",
  "1/2",
  "½",
  "x²",
  "H₂O",
  "1st",
  "2nd",
  "21st-century",
  "abc123",
  "123abc",
  "a1b2c3",
  "1a.b2",
  "1.a",
  "a.1",
  "v1.2.3",
  "3x4",
  "1e10",
  "0xFF",
  "1_000",
  "U.S.A.",
  "U.S.",
  "e.g.",
  "i.e.",
  "Ph.D.",
  "D.C.",
  "a.b.c",
  "a..b",
  "a.b.",
  "J.R.R. Tolkien",
  "Dr. Who",
  "St. Orsby",
  "No. 5",
  "etc.",
  "name@example.com",
  "first.last+tag@sub.example.co.uk",
  "http://example.com/a/b?c=d&e=f#g",
  "https://www.example.org:8080/path_to/file.html",
  "www.example.com",
  "ftp://x.y",
  "file.txt",
  "C:\\path\\file",
  "/usr/bin",
  "#hashtag",
  "@mention",
  "C++",
  "C#",
  "F#",
  ".NET",
  "node.js",
  "snake_case",
  "_leading",
  "trailing_",
  "__init__",
  "_",
  "___",
  "a_b_c",
  "a_1",
  "1_a",
  "foo__bar",
  "_1_",
  "é_è",
  "ア_イ",
  "a‿b",
  "‿",
  "_ア_",
  "_א_",
  "café",
  "cafe\u0301",
  "naïve",
  "Ångström",
  "ÀÉÎÕÜ",
  "Straße",
  "STRASSE",
  "ẞ",
  "ﬁne",
  "ŒUVRE",
  "Ĳssel",
  "Łódź",
  "İstanbul",
  "ISPARTA ı",
  "ǅ",
  "Ǆ",
  "ΟΔΥΣΣΕΥΣ",
  "Σίσυφος",
  "ΣΑΣ",
  "ΌΣΟΣ",
  "Москва",
  "ПЕТЕРБУРГ'S",
  "ёлка",
  "йод",
  "и\u0306",
  "Հայաստան",
  "՚ա",
  "ա՛",
  "ա՞",
  "հայ՝",
  "ქართული",
  "ᲥᲐᲠᲗᲣᲚᲘ",
  "Ꮳꮃꭹ",
  "שלום",
  "שָׁלוֹם",
  'צה"ל',
  "צה״ל",
  "ג'ירף",
  "ג׳ירף",
  "א'",
  'א"ב',
  'א"ב"ג',
  'אא"ב',
  "א'ב",
  "א:ב",
  'a"b',
  "א1",
  "1א",
  'א_א"א',
  "العربية",
  "مُحَمَّد",
  "ـتطويلـ",
  "٣٫١٤",
  "١٬٢٣٤",
  "۱۲۳",
  "كتاب،قلم",
  "می‌خواهم",
  "؀123",
  "हिन्दी",
  "नमस्ते",
  "বাংলা",
  "தமிழ்",
  "తెలుగు",
  "ಕನ್ನಡ",
  "മലയാളം",
  "සිංහල",
  "ਪੰਜਾਬੀ",
  "ગુજરાતી",
  "१२३",
  "२.५",
  "ภาษาไทย",
  "ภาษาไทย123",
  "๑๒๓",
  "สวัสดี ครับ",
  "abcภาษา",
  "ภาษาabc",
  "ພາສາລາວ",
  "ភាសាខ្មែរ",
  "១២៣",
  "မြန်မာဘာသာ",
  "၁၂၃",
  "ᦑᦺ",
  "ᨠᩣ",
  "ꪀꪱ",
  "กุ้ง’s",
  "ัก",
  "ฯลฯ",
  "ๆ",
  "中文",
  "我是中国人",
  "中文English混排",
  "2008年北京",
  "北京，上海",
  "東京タワー",
  "カタカナ",
  "カタカナひらがな漢字",
  "ひらがな",
  "ｶﾀｶﾅ",
  "ｶﾞｷﾞ",
  "ー",
  "コーヒー",
  "ァ",
  "ﾞ",
  "々",
  "人々",
  "〆切",
  "〇",
  "二〇二六年",
  "㍿",
  "㌔",
  "㊗",
  "㈱",
  "ゝゞ",
  "ヽヾ",
  "゛",
  "〱",
  "ゟ",
  "ヿ",
  "𠮷野家",
  "𠀀𠀁",
  "﨑",
  "⼀",
  "ㄅㄆㄇ",
  "ㆠ",
  "アa",
  "aア",
  "ア1",
  "1ア",
  "ア・イ",
  "ア'イ",
  "ア：イ",
  "漢'字",
  "A＇B",
  "ＡＢＣ",
  "１２３",
  "１，２",
  "Ａ＿Ｂ",
  "한국어",
  "한국어는 재미있다",
  "서울은2026년",
  "ㄱㄴㄷ",
  "한자漢字",
  "한a글",
  "ᄒᆞᆫ글",
  "ﾡﾢ",
  "꥟ힰ",
  "조선’s",
  "가_나",
  "가-나",
  "가.나",
  "가·나",
  "😀",
  "😀😃",
  "a😀b",
  "👍🏽",
  "👍🏽👍",
  "👩‍👩‍👧",
  "👩🏽‍🚀",
  "❤",
  "❤️",
  "❤︎",
  "❤️‍🔥",
  "🇩🇪",
  "🇩🇪🇫🇷",
  "🇩",
  "🇩🇪🇫",
  "1️⃣",
  "#️⃣",
  "*⃣",
  "12⃣",
  "#",
  "*",
  "©",
  "®",
  "™",
  "©️",
  "〰",
  "〽️",
  "ℹ",
  "ℹ️",
  "Ⓜ",
  "Ⓜ️",
  "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "🅰🅱",
  "🈁",
  "🏻",
  "a🏻",
  "‍",
  "‍😀",
  "😀‍",
  "😀‍‍😀",
  "ℹ‍😀",
  "ℹ‍ℹℹ",
  "☃",
  "★",
  "♠♣",
  "⌨",
  "⚽️",
  "🀄",
  "🃏",
  "🂡",
  "😀's",
  "☕️s",
  "soft\u00adhyphen",
  "zero\u200bwidth",
  "join\u200der",
  "non\u200cjoin",
  "word\u2060joiner",
  "bom\ufeffinside",
  "\ufeffstart",
  "nb\u00a0space",
  "thin\u2009space",
  "narrow\u202fspace",
  "ideo\u3000space",
  "line\u2028sep",
  "tab\tnew\nline\r\n",
  "nul\u0000l",
  "bell\u0007",
  "ctrl\u001fx",
  "del\u007f",
  "nel\u0085x",
  "\u202eabc\u202c",
  "\u0301",
  "a\u0301\u0302",
  "1\u0301",
  "_\u0301a",
  ",\u0301a",
  " \u0301a",
  "a.\u0301b",
  "ア\u3099",
  "か\u3099",
  "漢\u0301",
  "ก\u0301",
  "😀\u0301",
  "\u20dd",
  "a\u20dd",
  "\u1ab0",
  "ःक",
  "a·b",
  "a•b",
  "a‧b",
  "a․b",
  "a﹒b",
  "a．b",
  "a：b",
  "a:b:c",
  ":a:",
  "a;b",
  "1·2",
  "1․2",
  "1٬2",
  "1⁄2",
  "1，2",
  "1；2",
  "1：2",
  "1'2",
  "1’2",
  '1"2',
  "a'1",
  "1'a",
  "ª",
  "º",
  "µ",
  "ʼn",
  "ʻokina",
  "ˈstress",
  "ˀ",
  "ʹ",
  "˘",
  "˥",
  "‖",
  "†",
  "§",
  "¶",
  "¿que?",
  "¡hola!",
  "𝒶𝓫",
  "𝟏𝟐",
  "𝕏's",
  "𐐀𐐁",
  "𐤀𐤁",
  "𑜀𑜁",
  "𒀀",
  "ℵ",
  "Ⅷ",
  "ⅷ",
  "①②",
  "⑴",
  "🄰",
  "∞",
  "√2",
  "α+β",
  "x=y",
  "a|b",
  "a~b",
  "a`b",
  "a^b",
  "a&b",
  "AT&T",
  "R&D",
  "(a)",
  "[b]",
  "{c}",
  "<d>",
  "a/b",
  "a\\b",
  "100°C",
  "5′",
  "6″",
  "caresses ponies ties caress cats",
  "feed agreed plastered bled motoring sing",
  "conflated troubled sized hopping tanned falling hissing fizzed failing filing",
  "happy sky relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli vileli analogousli",
  "vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti sensitiviti sensibiliti",
  "triplicate formative formalize electriciti electrical hopeful goodness",
  "revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize",
  "probate rate cease controll roll",
  "generalizations oscillators apology apologies biology theological",
  "skies dying lying news inning proceed exceed succeed",
  "yes y yy yyy syzygy say says saying toy toys",
  "ed ing eed es ies sses ion er",
  "being seeing agreeing freed bleed ate bate",
  "Élan élans naïvely cafés über",
  "ization ational fulness iveness",
];

/** Pieces for the strings that fill up the 500. */
const pieces = (
  "word Words's river’s 3.14 1,000 a.b U.S. it's _x y_ don't naïve Straße ΣΟΦΟΣ İz שלום צה״ל ภาษา 漢字 ひら カタ 한국 😀 👍🏽 ❤️ 🇩🇪 #️⃣ ℹ " +
  "x@y.z http://a.b/c the and with running nationally - – ' ’ \" . , ; : _ · \u0301 \u200d \ufe0f ½ ² ３ ＇s"
).split(" ");

export function makeStrings() {
  const random = randomFrom(3);
  const long = [
    "a".repeat(255),
    "a".repeat(256),
    `${"b".repeat(254)}😀`,
    `${"𝒶".repeat(130)}x`,
    "x1".repeat(300),
    `${"c".repeat(250)}'s dogs`,
    `${"d".repeat(253)}.e`,
    `${"_".repeat(254)}ef`,
    `${"1,".repeat(140)}2`,
  ];
  const all = [...strings, ...long];
  while (all.length < 500) {
    let text = "";
    for (let n = 2 + Math.floor(random() * 6); n > 0; n--)
      text += pieces[Math.floor(random() * pieces.length)] + (random() < 0.4 ? " " : "");
    all.push(text);
  }
  return all;
}
