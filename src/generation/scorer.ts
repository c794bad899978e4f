import { InputError } from "../base/errors.ts";
import { toOnnx } from "../graph/onnx.ts";
import { createAttentionGraph } from "../models/attention-graph.ts";
import type { BaseWeights } from "../models/base-weights.ts";
import type { Model } from "../models/open-model.ts";
import type { HostTensor, Runtime, Session } from "../runtime/runtime.ts";
import { createTextStream } from "../weights/text-stream.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { AttentionMap, GeneratedToken, Generator, ScoringRequest } from "./generator.ts";
import { statisticsOf, unknownStatistics } from "./sampling.ts";

/** Looks at texts with a model in this process. */
export interface Scorer extends Pick<Generator, "score" | "attention"> {
  dispose(): Promise<void>;
}

interface ScorerParts {
  tokenizer: Tokenizer;
  /** Tokens of a text and what stands before it, at most. */
  positions: number;
  weights?: BaseWeights | undefined;
  prepack?: boolean | undefined;
}

/** Opens the forward pass without a cache, in a session of its own. */
export async function openScorer(
  runtime: Runtime,
  model: Model,
  { tokenizer, positions, weights, prepack = true }: ScorerParts,
): Promise<Scorer> {
  const { folder, outputs } = createAttentionGraph(model, { positions, weights });
  const session = await runtime.openSession(toOnnx({ ...outputs }, { folder }), { prepack });
  const place = (request: ScoringRequest) => placeText(request, { tokenizer, positions });
  return {
    async score(request, { signal } = {}) {
      const placed = place(request);
      const { ids, offset } = placed;
      // A token is predicted one place before it; the very first is not.
      const from = Math.max(1, offset);
      const places = Array.from({ length: ids.length - from }, (_, i) => from - 1 + i);
      const rows = places.length
        ? await forward(session, ids, { places, fetch: "logits", signal })
        : undefined;
      const V = (rows?.length ?? 0) / Math.max(1, places.length);
      return placed.tokens.map((token, t): GeneratedToken => {
        const at = offset + t - from;
        if (!rows || at < 0) return { ...token, ...unknownStatistics };
        const logits = rows.subarray(at * V, (at + 1) * V);
        return { ...token, ...statisticsOf(logits, token.id) };
      });
    },
    async attention(request, { signal } = {}) {
      const { ids, offset, tokens } = place(request);
      const all = ids.length ? await forward(session, ids, { places: [0], fetch: "attention", signal }) : [];
      return { tokens, offset, heads: model.config.heads, weights: rowsFrom(all, offset, ids.length) };
    },
    dispose: () => session.dispose(),
  };
}

/** The ids of the text behind those of what stands before it. */
function placeText(
  { text, messages, prefix, startToken }: ScoringRequest,
  { tokenizer, positions }: { tokenizer: Tokenizer; positions: number },
): { ids: number[]; offset: number; tokens: AttentionMap["tokens"] } {
  const before = messages ? tokenizer.tokenizeChat(messages, { addGenerationPrompt: true }) : [];
  if (!messages && startToken && tokenizer.bosTokenId !== undefined) before.push(tokenizer.bosTokenId);
  const begun = prefix ? tokenizer.tokenize(prefix) : [];
  const own = typeof text === "string" ? tokenizer.tokenize(text) : text;
  const ids = [...before, ...begun, ...own];
  if (ids.length > positions)
    throw new InputError(
      `the text and what stands before it have ${ids.length} tokens, but the model takes ${positions}; use fewer or shorter passages, or a shorter answer`,
    );
  const stream = createTextStream(tokenizer, begun);
  const tokens = own.map((id) => ({ id, text: stream.push(id) }));
  const last = tokens.at(-1);
  if (last) last.text += stream.end();
  return { ids, offset: before.length + begun.length, tokens };
}

/** One run over a sequence; the output that is wanted. */
async function forward(
  session: Session,
  ids: readonly number[],
  {
    places,
    fetch,
    signal,
  }: { places: readonly number[]; fetch: "logits" | "attention"; signal: AbortSignal | undefined },
): Promise<Float32Array> {
  const T = ids.length;
  const int64 = (values: readonly number[], dims: readonly number[]): HostTensor => ({
    dtype: "int64",
    dims,
    data: BigInt64Array.from(values, BigInt),
  });
  const { values } = await session.run(
    {
      ids: int64(ids, [1, T]),
      positions: int64([...ids.keys()], [1, T]),
      mask: causalMask(T),
      rows: int64(
        places.flatMap((t) => [0, t]),
        [places.length, 2],
      ),
    },
    { fetch: [fetch], signal },
  );
  const output = values[fetch];
  if (output?.dtype !== "float32") throw new Error(`internal: ${fetch} are not float32`);
  return output.data;
}

/** [1, 1, 1, T, T]: each token sees itself and what came before. */
function causalMask(T: number): HostTensor {
  const data = new Float32Array(T * T).fill(-1e9);
  for (let row = 0; row < T; row++) data.fill(0, row * T, row * T + row + 1);
  return { dtype: "float32", dims: [1, 1, 1, T, T], data };
}

/** Of [H, S, S], the rows from `first` on: [H, S - first, S]. */
function rowsFrom(all: ArrayLike<number>, first: number, S: number): Float32Array {
  if (S === 0) return new Float32Array(0);
  const H = all.length / (S * S);
  const T = S - first;
  const rows = new Float32Array(H * T * S);
  for (let h = 0; h < H; h++)
    for (let i = 0; i < T * S; i++) rows[h * T * S + i] = all[(h * S + first) * S + i]!;
  return rows;
}
