import { describe, expect, it } from "vitest";
import { InputError, UnsupportedError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import type { Passage, QuestionAnswer } from "../corpus/corpus.ts";
import type { Generation, GenerationRequest, Generator } from "../generation/generator.ts";
import { questionsText } from "../prompts/augment.ts";
import { createModelAugmenter, identifyModelAugmenter } from "./model-augmenter.ts";

const passageOf = (title: string): Passage => ({
  id: sha256(title),
  documentId: "d",
  title,
  text: `${title} is a tower in Norby. It was built by Ann Orme in 1804. ${title} is 31 metres high.`,
  position: 0,
});
const passages = ["Elm Tower", "Oak Tower", "Ash Tower"].map(passageOf);

const good = (title: string): QuestionAnswer[] => [
  { question: `Who built ${title}?`, answer: "Ann Orme" },
  { question: `When was ${title} built?`, answer: "1804" },
  { question: `How high is ${title}?`, answer: "31 metres" },
];
const rewriteOf = (title: string) =>
  `In Norby stands ${title}, 31 metres high; Ann Orme was its builder in 1804.`;

/** A generator that answers by a function of the request; every request is kept. */
function fakeGenerator(answer: (request: GenerationRequest, asked: number) => string, contextLength = 4000) {
  const requests: GenerationRequest[] = [];
  const generate = (request: GenerationRequest): Generation => {
    requests.push(request);
    return { text: answer(request, requests.length), tokens: [], promptTokens: 10, finishReason: "stop" };
  };
  const generator: Generator = {
    model: "fake",
    contextLength,
    countPromptTokens: async (request) => {
      const tokens = request.messages[0]!.content.length / 4;
      if (tokens + request.maxTokens > contextLength) throw new InputError("the prompt is too long");
      return Math.ceil(tokens);
    },
    generate() {
      throw new Error("internal: an augmenter asks in batches");
    },
    generateBatch: async (batch) => batch.map(generate),
    score: () => Promise.reject(new Error("not used")),
    attention: () => Promise.reject(new Error("not used")),
  };
  return { generator, requests };
}

const titleOf = (request: GenerationRequest) => /Passage: (.*)\n/.exec(request.messages[0]!.content)![1]!;
const asksForPairs = (request: GenerationRequest) => request.messages[0]!.content.startsWith("Write");

describe("createModelAugmenter", () => {
  it("is told from another by the model's fingerprint, not by its name alone", () => {
    const { generator } = fakeGenerator(() => "");
    const versions = [{}, { fingerprint: "one" }, { fingerprint: "two" }].map((given) => {
      const { name, version } = createModelAugmenter({ generator, ...given });
      expect(identifyModelAugmenter(name, given).version).toBe(version);
      return version;
    });
    expect(new Set(versions).size).toBe(3);
  });

  it("asks for pairs first, then for rewrites, with explicit sampling", async () => {
    const { generator, requests } = fakeGenerator((request) =>
      asksForPairs(request) ? questionsText(good(titleOf(request))) : rewriteOf(titleOf(request)),
    );
    const results = await createModelAugmenter({ generator }).augment(passages);
    expect(results.map(({ augmented }) => augmented)).toEqual(
      passages.map((passage) => ({
        passage,
        pairs: good(passage.title),
        rewrites: [rewriteOf(passage.title)],
        augmenter: "fake",
      })),
    );
    expect(requests.map(asksForPairs)).toEqual([true, true, true, false, false, false]);
    expect(requests[0]?.sampling).toMatchObject({
      temperature: 0.7,
      topK: 50,
      topP: 1,
      repetitionPenalty: 1,
    });
    expect(new Set(requests.map(({ sampling }) => sampling?.seed)).size).toBe(6);
  });

  it("merges several samplings and records why pairs were left out", async () => {
    const answers = [
      `[{"question": "Who built Elm Tower?", "answer": "Ann Orme"}, {"question": "Who built Elm Tower?", "answer": "Ann Orme"}]`,
      "I am sorry.",
      `[{"question": "When was Elm Tower built?", "answer": "1805"}, {"question": "How high is Elm Tower?", "answer": "31 metres"}]`,
      `[{"question": "In which town is Elm Tower?", "answer": "Norby"}]`,
    ];
    const { generator } = fakeGenerator((_request, asked) => answers[asked - 1] ?? "");
    const [result] = await createModelAugmenter({ generator }).augment([passages[0]!], { rewrites: 0 });
    expect(result?.augmented.pairs.map(({ answer }) => answer)).toEqual(["Ann Orme", "31 metres", "Norby"]);
    expect(result?.account).toEqual({
      attempts: 4,
      pairs: { made: 5, usable: 3 },
      rewrites: { made: 0, usable: 0 },
      dropped: { duplicate: 1, "no pair found in the text": 1, "answer not in the passage": 1 },
    });
  });

  it("stops after its attempts, every failure counted, and wastes no rewrite", async () => {
    const { generator, requests } = fakeGenerator(() => "nothing");
    const [result] = await createModelAugmenter({ generator, attempts: 4 }).augment([passages[0]!]);
    expect(requests).toHaveLength(4);
    expect(result?.augmented.pairs).toEqual([]);
    expect(result?.account.dropped).toEqual({ "no pair found in the text": 4 });
  });

  it("tries a rewrite again that lost or added a fact, then goes without", async () => {
    const rewrites = [
      "Elm Tower is 31 metres high.",
      `${rewriteOf("Elm Tower")} It cost 900 crowns.`,
      passages[0]!.text,
      rewriteOf("Elm Tower"),
    ];
    let asked = 0;
    const { generator } = fakeGenerator((request) =>
      asksForPairs(request) ? questionsText(good("Elm Tower")) : rewrites[asked++ % 3]!,
    );
    const [result] = await createModelAugmenter({ generator, attempts: 3 }).augment([passages[0]!]);
    expect(result?.augmented.rewrites).toEqual([]);
    expect(result?.account.rewrites).toEqual({ made: 3, usable: 0 });
    expect(Object.keys(result!.account.dropped).sort()).toEqual([
      "rewrite: added a name, number or date",
      "rewrite: same as the passage",
      "rewrite: too short or too long",
    ]);
  });

  it("gives a passage the same seeds alone and among others", async () => {
    const seeds = async (list: readonly Passage[]) => {
      const { generator, requests } = fakeGenerator((request) =>
        titleOf(request) === "Oak Tower" ? "" : questionsText(good(titleOf(request))),
      );
      await createModelAugmenter({ generator, attempts: 3 }).augment(list, { rewrites: 0, seed: 5 });
      return requests
        .filter((request) => titleOf(request) === "Oak Tower")
        .map(({ sampling }) => sampling?.seed);
    };
    expect(await seeds(passages)).toEqual(await seeds([passages[1]!]));
    expect(await seeds(passages)).toHaveLength(3);
  });

  it("leaves out a passage that is too long for the model, and uses the room that is left", async () => {
    const long = { ...passageOf("Yew Tower"), text: "word ".repeat(4000) };
    const { generator, requests } = fakeGenerator((request) => questionsText(good(titleOf(request))), 300);
    const results = await createModelAugmenter({ generator }).augment([long, passages[0]!], { rewrites: 0 });
    expect(results[0]?.account.dropped).toEqual({ "questions: the passage is too long for the model": 1 });
    expect(results[1]?.augmented.pairs).toHaveLength(3);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.maxTokens).toBeLessThan(300);
  });

  it("asks a service that cannot count tokens without counting", async () => {
    const { generator, requests } = fakeGenerator((request) => questionsText(good(titleOf(request))));
    generator.countPromptTokens = async () => {
      throw new UnsupportedError("not counted");
    };
    await createModelAugmenter({ generator, maxTokens: 300 }).augment([passages[0]!], { rewrites: 0 });
    expect(requests[0]?.maxTokens).toBe(300);
  });
});
