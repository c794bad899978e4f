import { type Answer, collectAnswer, type Source } from "../engine/answer.ts";
import { streamAnswer } from "../engine/ask.ts";
import { methodNames } from "../engine/create-method.ts";
import type { EngineParts } from "../engine/parts.ts";
import type { GeneratedToken, Generation, Generator } from "../generation/generator.ts";
import type { AnswerOptions, MethodEvent } from "../methods/method.ts";
import { RequestError } from "./failures.ts";
import type { Services, Ticket } from "./services.ts";

/** Who answers: the base model, or a method from a collection. */
export interface Target {
  /** As the client named it. */
  model: string;
  method: string | undefined;
  collection: string;
}

/** What there is to be meant: the base model, and collections. */
interface Targets {
  engines: {
    main: { model(): Promise<{ name: string }>; config: { collection: string } };
    names(): Promise<readonly string[]>;
  };
}

/** Who is meant by a model's id: `<base>`, `<method>` or `<method>@<collection>`; `method` wins over the id's. */
export async function findTarget(
  { engines }: Targets,
  model: string,
  method: string | undefined,
): Promise<Target> {
  const { name: base } = await engines.main.model();
  // A model that was named with a revision has an @ of its own.
  const own = model === base || model.startsWith(`${base}@`) ? base : undefined;
  const [, collection, ...rest] = model.slice(own?.length ?? 0).split("@");
  const id = own ?? model.split("@")[0] ?? "";
  const unknown = new RequestError(
    404,
    `the model "${model.slice(0, 100)}" does not exist; GET /v1/models lists them`,
    {
      code: "model_not_found",
      param: "model",
    },
  );
  const isMethod = methodNames.some((name) => name === id);
  if (rest.length || (id !== base && !isMethod) || (id === base && collection !== undefined && !method))
    throw unknown;
  if (method !== undefined && !methodNames.some((name) => name === method))
    throw new RequestError(
      400,
      `prag.method: "${method}" is not known; methods are ${methodNames.join(", ")}`,
      {
        param: "prag.method",
      },
    );
  if (collection !== undefined && !(await engines.names()).includes(collection)) throw unknown;
  const usual = engines.main.config.collection;
  return { model, method: method ?? (isMethod ? id : undefined), collection: collection ?? usual };
}

/** A question to a method. */
export interface Question extends AnswerOptions {
  text: string;
  method: string;
  collection: string;
  /** Tell the probabilities of the tokens that are heard. */
  probabilities?: boolean | undefined;
  /** Hears every token that the model writes. */
  onToken?: ((token: GeneratedToken) => void) | undefined;
  /** Hears how each text of the model ended. */
  onGeneration?: ((generation: Generation) => void) | undefined;
}

/** What a method says; retrieved passages become warmer, and the metrics hear of it. */
export async function* askMethod(
  services: Services,
  { text, method, collection, probabilities, onToken, onGeneration, ...options }: Question,
  ticket: Ticket,
): AsyncGenerator<MethodEvent> {
  const { engines, heat, metrics, clock } = services;
  const engine = await engines.get(collection);
  const parts = { ...engine, generator: tap(engine, { probabilities, onToken, onGeneration }) };
  const leave = engines.hold(collection);
  let isBegun = false;
  try {
    for await (const event of streamAnswer(parts, text, { ...options, method, signal: ticket.signal })) {
      if (event.type === "retrieval")
        heat.touch(
          collection,
          event.hits.map(({ passage }) => passage.id),
        );
      if (event.type === "text-delta" && !isBegun) {
        isBegun = true;
        metrics.firstToken(method, (clock() - ticket.startedMs) / 1000);
      }
      if (event.type === "end")
        metrics.tokens(method, { prompt: event.usage.promptTokens, generated: event.usage.generatedTokens });
      yield event;
    }
  } finally {
    leave();
  }
}

type Taps = Pick<Question, "probabilities" | "onToken" | "onGeneration">;

/** The engine's generator, with ears. */
function tap(engine: EngineParts, { probabilities, onToken, onGeneration }: Taps): EngineParts["generator"] {
  return async () => {
    const generator = await engine.generator();
    const tapped: Generator = {
      ...generator,
      async *generate(request, options) {
        const steps = generator.generate(
          { ...request, probabilities: probabilities || request.probabilities },
          options,
        );
        let next = await steps.next();
        try {
          while (!next.done) {
            onToken?.(next.value);
            yield next.value;
            next = await steps.next();
          }
        } finally {
          if (!next.done) await steps.return(noGeneration);
        }
        onGeneration?.(next.value);
        return next.value;
      },
    };
    return tapped;
  };
}

const noGeneration: Generation = { text: "", tokens: [], promptTokens: 0, finishReason: "stop" };

/** Keeps what an answer's sources are told from. */
export class SourceKeeper {
  readonly #events: MethodEvent[] = [];

  add(event: MethodEvent): void {
    if (event.type !== "text-delta") this.#events.push(event);
  }

  /** Best first; to be asked after the answer's end. */
  async sources(): Promise<Source[]> {
    return (await this.#answer()).sources;
  }

  async #answer(): Promise<Answer> {
    const events = this.#events;
    return collectAnswer(
      (async function* () {
        yield* events;
      })(),
    );
  }
}
