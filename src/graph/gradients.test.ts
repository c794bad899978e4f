import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UnsupportedError } from "../base/errors.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { gradientsOf } from "./backward.ts";
import { checkGradient, type GradientCase } from "./gradient.suite.ts";
import * as ops from "./ops.ts";
import { constant, input, ints, type Op, type Tensor } from "./tensor.ts";

const positions = constant(BigInt64Array.of(0n, 2n, 1n, 3n, 3n, 0n), [2, 3]);
const angles = Float32Array.from({ length: 8 }, (_, i) => 0.7 * i);
const cos = constant(angles.map(Math.cos), [4, 2]);
const sin = constant(angles.map(Math.sin), [4, 2]);
const pairs = constant(BigInt64Array.of(0n, 1n, 1n, 2n, 0n, 1n), [3, 2]); // one pair twice
const rows = constant(BigInt64Array.of(2n, 0n, 2n), [3]);

function matmulCases(): GradientCase[] {
  const shapes: [number[], number[]][] = [
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [
      [2, 1, 3, 4],
      [1, 3, 4, 5],
    ], // both broadcast
    [
      [2, 3, 4],
      [4, 5],
    ], // a plain weight
  ];
  const swap = (shape: number[]) => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  return shapes.flatMap(([a, b]) =>
    [false, true].flatMap((transA) =>
      [false, true].map((transB) => ({
        // A first dimension that is an inner dimension would get different names on the two sides.
        shapes: [
          [1, ...(transA ? swap(a) : a)],
          [1, ...(transB ? swap(b) : b)],
        ],
        f: (x: Tensor, y: Tensor) => ops.matmul(x, y, { transA, transB, alpha: 0.5 }),
      })),
    ),
  );
}

/** Cases for every op that has a gradient; `none` for those that serve generation only. */
const cases: Record<Op, GradientCase[] | "none"> = {
  Add: [
    {
      shapes: [
        [2, 3],
        [2, 3],
      ],
      f: ops.add,
    },
    { shapes: [[2, 3], [3]], f: (x, y) => ops.add(x, ops.reshape(y, [3])) },
    {
      shapes: [
        [1, 3],
        [4, 1, 3],
      ],
      f: ops.add,
    },
  ],
  Sub: [
    {
      shapes: [
        [2, 3],
        [1, 3],
      ],
      f: ops.sub,
    },
  ],
  Mul: [
    {
      shapes: [
        [2, 3],
        [2, 3],
      ],
      f: ops.mul,
    },
    {
      shapes: [
        [1, 2, 1],
        [4, 1, 3],
      ],
      f: ops.mul,
    },
    { shapes: [[5]], f: (x) => ops.mul(x, x) }, // used twice
  ],
  Exp: [{ shapes: [[2, 3]], f: ops.exp }],
  Sigmoid: [
    { shapes: [[2, 3]], f: ops.sigmoid },
    { shapes: [[2, 3]], f: ops.silu },
  ],
  Softmax: [{ shapes: [[2, 3, 5]], f: ops.softmax }],
  LogSoftmax: [{ shapes: [[2, 5]], f: ops.logSoftmax }],
  Cast: [
    { shapes: [[2, 3]], f: (x) => ops.cast(ops.cast(x, "float16"), "float32"), relativeTolerance: 3e-2 },
  ],
  FusedMatMul: matmulCases(),
  SimplifiedLayerNormalization: [
    { shapes: [[2, 3, 8], [8]], f: (x, s) => ops.rmsNorm(x, ops.reshape(s, [8]), 1e-5) },
  ],
  RotaryEmbedding: [{ shapes: [[2, 3, 8]], f: (x) => ops.rotaryEmbedding(x, { positions, cos, sin }, 2) }],
  Reshape: [
    { shapes: [[2, 3, 4]], f: (x) => ops.reshape(x, [x.shape[0]!, 2, 6]) },
    { shapes: [[2, 3, 4]], f: (x) => ops.reshape(x, ["M", 4]) },
  ],
  Expand: [
    {
      shapes: [
        [1, 3],
        [2, 3],
      ],
      f: (x, y) => ops.mul(ops.expandLike(x, y), y),
    },
  ],
  Transpose: [{ shapes: [[2, 3, 4]], f: (x) => ops.transpose(x, [2, 0, 1]) }],
  Shape: [{ shapes: [[2, 3]], f: (x) => ops.add(x, ops.zerosLike(x)) }],
  Gather: [{ shapes: [[4, 3]], f: (x) => ops.gather(x, rows) }],
  GatherND: [
    { shapes: [[2, 3]], f: (x) => ops.gatherNd(x, pairs) },
    { shapes: [[2, 3, 4]], f: (x) => ops.gatherNd(x, pairs) },
  ],
  ScatterND: [
    {
      shapes: [
        [2, 3, 4],
        [1, 3, 4],
      ],
      f: (x, u) => ops.scatterAddNd(x, pairs, ops.reshape(u, [3, 4])),
    },
  ],
  ReduceSum: [
    { shapes: [[2, 3, 4]], f: (x) => ops.sum(x, [1]) },
    { shapes: [[2, 3, 4]], f: (x) => ops.sum(x, [0, 2], { keep: true }) },
  ],
  ReduceMean: [
    { shapes: [[2, 3, 4]], f: (x) => ops.mean(x, [-1]) },
    { shapes: [[2, 3, 4]], f: (x) => ops.mean(x, [1, 2], { keep: true }) },
  ],
  ReduceMax: "none",
  TopK: "none",
  QuickGelu: "none",
  MatMulNBits: "none",
  GroupQueryAttention: "none",
};

describe("gradients", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
  });
  afterAll(() => runtime.dispose());

  for (const [op, list] of Object.entries(cases)) {
    if (list === "none") continue;
    it(`${op} agrees with finite differences`, async () => {
      for (const one of list) await checkGradient(runtime, one);
    });
  }

  it("an op of generation says that it has no gradient", () => {
    const x = input("x", "float32", [2, 3]);
    const one = (y: Tensor) => gradientsOf(ops.sum(y, [0, 1]), [x]);
    expect(() => one(ops.fusedSilu(x))).toThrow(UnsupportedError);
    expect(() => one(ops.topK(x, 2).values)).toThrow(UnsupportedError);
    expect(() => one(ops.max(x, [1], { keep: true }))).toThrow(UnsupportedError);
  });

  it("a value used along two paths gets the sum of both gradients", async () => {
    await checkGradient(runtime, {
      shapes: [[2, 4]],
      f: (x) => ops.add(ops.softmax(x), ops.mul(ops.exp(x), x)),
    });
  });

  it("frozen inputs cost no nodes", () => {
    const x = input("x", "float32", [2, 3]);
    const frozen = ops.matmul(input("a", "float32", [2, 4]), input("b", "float32", [4, 3]));
    const [dx] = gradientsOf(ops.sum(ops.mul(x, frozen), [0, 1]), [x]);
    expect(dx!.shape).toEqual([2, 3]);
    expect(() => gradientsOf(ops.sum(frozen, [0, 1]), [x])).toThrow("does not depend");
    expect(ints([1]).dtype).toBe("int64");
  });
});
