// Makes a model folder with random float32 weights in the shapes of Llama-3.2-1B, for benches that need no real model.
import { createWriteStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Sizes of Llama-3.2-1B. */
export const llama1b = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  rope_scaling: {
    rope_type: "llama3",
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  },
  tie_word_embeddings: true,
  hidden_act: "silu",
};

function shapes(config) {
  const { hidden_size: D, intermediate_size: F, head_dim: Dh } = config;
  const [Q, K] = [config.num_attention_heads * Dh, config.num_key_value_heads * Dh];
  const list = [["model.embed_tokens.weight", [config.vocab_size, D]]];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`;
    list.push([`${layer}.input_layernorm.weight`, [D]], [`${layer}.post_attention_layernorm.weight`, [D]]);
    list.push([`${layer}.self_attn.q_proj.weight`, [Q, D]], [`${layer}.self_attn.k_proj.weight`, [K, D]]);
    list.push([`${layer}.self_attn.v_proj.weight`, [K, D]], [`${layer}.self_attn.o_proj.weight`, [D, Q]]);
    list.push([`${layer}.mlp.gate_proj.weight`, [F, D]], [`${layer}.mlp.up_proj.weight`, [F, D]]);
    list.push([`${layer}.mlp.down_proj.weight`, [D, F]]);
  }
  list.push(["model.norm.weight", [D]]);
  return list;
}

/** Writes the folder, unless it is there already; normal numbers of deviation 0.02, from one block that repeats. */
export async function makeRandomModel(folder, config = llama1b) {
  const path = join(folder, "model.safetensors");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const header = {};
  let offset = 0;
  const list = shapes(config);
  for (const [name, shape] of list) {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const total = 8 + padded.length + offset;
  if ((await stat(path).catch(() => undefined))?.size === total) return folder;
  const block = new Float32Array(1 << 20);
  for (let i = 0; i < block.length; i += 2) {
    const radius = 0.02 * Math.sqrt(-2 * Math.log(1 - Math.random()));
    const angle = 2 * Math.PI * Math.random();
    block[i] = radius * Math.cos(angle);
    block[i + 1] = radius * Math.sin(angle);
  }
  const noise = Buffer.from(block.buffer);
  const file = createWriteStream(path);
  const write = (chunk) =>
    file.write(chunk) ? undefined : new Promise((resolve) => file.once("drain", resolve));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  await write(size);
  await write(padded);
  for (const [name, shape] of list) {
    let left = 4 * shape.reduce((a, b) => a * b, 1);
    const ones = name.includes("norm") ? Buffer.from(new Float32Array(shape[0]).fill(1).buffer) : undefined;
    while (left > 0) {
      const chunk = ones ?? noise.subarray(0, Math.min(left, noise.length));
      await write(chunk);
      left -= chunk.length;
    }
  }
  await new Promise((resolve, reject) => file.end((error) => (error ? reject(error) : resolve())));
  return folder;
}
