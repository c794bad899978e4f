import { join } from "node:path";
import { toOnnx } from "../graph/onnx.ts";
import { type BaseWeights, commonFolder, createBaseWeights } from "../models/base-weights.ts";
import { createCacheRowsGraph, createMemoryGenerationGraph } from "../models/memory-graph.ts";
import type { MemoryModel } from "../models/memory-model.ts";
import { memoryConstants } from "../models/memory-weights.ts";
import type { Model } from "../models/open-model.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import { checkMemoryFits, type Memory, type ModelIdentity } from "./memory.ts";
import { MemoryStream, type StreamOptions } from "./memory-stream.ts";
import { checkRatio } from "./window.ts";

/** A model with memory weights, ready to read and continue long sequences. */
export interface MemorySession {
  readonly window: number;
  readonly identity: { baseModel: ModelIdentity; memoryModel: ModelIdentity };
  /** Positions that memory and window may have together. */
  readonly positions: number;
  /** Refuses a memory that cannot be gone on from: of another model, or of another form. */
  checkFits(memory: Pick<Memory, "header" | "path">): void;
  openStream(options: StreamOptions): Promise<MemoryStream>;
  dispose(): Promise<void>;
}

/** Tables of positions are small; a text of a million tokens at ratio 32 needs half of these. */
const defaultPositions = 65_536;

/** Opens the graphs of reading with memory tokens. */
export async function openMemorySession(
  runtime: Runtime,
  { model, name, memoryModel }: { model: Model; name: string; memoryModel: MemoryModel },
  {
    weights = createBaseWeights(model.checkpoint, model.config),
    prepack = true,
    positions = defaultPositions,
  }: {
    weights?: BaseWeights | undefined;
    prepack?: boolean;
    positions?: number;
  } = {},
): Promise<MemorySession> {
  const files = [...memoryModel.tensors.values()].map((entry) => entry.file);
  const folder = commonFolder([join(weights.folder, "weights"), ...files]);
  const graph = createMemoryGenerationGraph(model, {
    memory: memoryConstants(memoryModel.parameters, memoryModel.tensors),
    positions,
    weights,
  });
  const opened: Session[] = [];
  const dispose = async () => {
    for (const session of opened) await session.dispose();
  };
  const open = async (onnx: ReturnType<typeof toOnnx>) => {
    const session = await runtime.openSession(onnx, { prepack });
    opened.push(session);
    return session;
  };
  try {
    const reading = await open(toOnnx({ ...graph.outputs, ...graph.kept }, { folder }));
    const rotating = await open(toOnnx(createCacheRowsGraph(model.config, { positions })));
    const { window } = memoryModel;
    const identity = {
      baseModel: { name, fingerprint: model.checkpoint.fingerprint },
      memoryModel: { name: memoryModel.name, fingerprint: memoryModel.fingerprint },
    };
    const { layers, keyValueHeads, headSize } = model.config;
    const form = { ...identity, layers, width: keyValueHeads * headSize, window };
    const checkFits: MemorySession["checkFits"] = (memory) => checkMemoryFits(memory, form);
    return {
      window,
      identity,
      positions,
      checkFits,
      async openStream(options) {
        if (options.memory) checkFits(options.memory);
        if (options.ratio !== undefined) checkRatio(options.ratio, window);
        return MemoryStream.open(
          { runtime, reading, rotating, config: model.config, window, positions },
          options,
        );
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
