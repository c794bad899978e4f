// The rate at which this machine multiplies matrices: what the floor of a graph is counted with.
import { toOnnx } from "../dist/graph/onnx.js";
import { matmul } from "../dist/graph/ops.js";
import { input } from "../dist/graph/tensor.js";

/** GFLOP/s of [512×2048]·[2048×8192] in float32, the best of ten. */
export async function gemmRate(runtime) {
  const [M, K, N] = [512, 2048, 8192];
  const product = matmul(input("a", "float32", [M, K]), input("b", "float32", [K, N]));
  const session = await runtime.openSession(toOnnx({ y: product }));
  const fill = (rows, columns) => ({
    dtype: "float32",
    dims: [rows, columns],
    data: Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5),
  });
  const [a, b] = [await runtime.createTensor(fill(M, K)), await runtime.createTensor(fill(K, N))];
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    const start = performance.now();
    const { kept } = await session.run({ a, b }, { fetch: [], keep: ["y"] });
    best = Math.min(best, performance.now() - start);
    await kept.y.free();
  }
  await session.dispose();
  return (2 * M * K * N) / best / 1e6;
}
