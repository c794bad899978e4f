import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MemoryModel, openMemoryModel } from "../models/memory-model.ts";
import { type Model, openModel } from "../models/open-model.ts";

const fixtures = join(import.meta.dirname, "../../test/parity/fixtures");

/** A small random model of the parity fixtures and memory weights over it, in a folder `root` to be removed afterwards. */
export async function openTinyMemory(
  name = "llama-tied",
): Promise<{ root: string; folder: string; baseFolder: string; model: Model; memoryModel: MemoryModel }> {
  const root = mkdtempSync(join(tmpdir(), "memory-"));
  const folder = join(root, "tiny-memory");
  const baseFolder = join(fixtures, name);
  const model = await openModel(baseFolder);
  mkdirSync(folder);
  copyFileSync(join(fixtures, "memory", name, "memory.safetensors"), join(folder, "model.safetensors"));
  const config = {
    beacon_window: 24,
    base_model: { name, fingerprint: model.checkpoint.fingerprint },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return { root, folder, baseFolder, model, memoryModel: await openMemoryModel(folder, model) };
}
