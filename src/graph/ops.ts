import { ShapeError } from "../base/errors.ts";
import { broadcast, broadcastAxes, matmulShape, reshapeVector } from "./shapes.ts";
import {
  apply,
  type Dim,
  type DType,
  ints,
  type Op,
  type OpInputs,
  type Shape,
  scalar,
  type Tensor,
} from "./tensor.ts";

const microsoft = "com.microsoft";

function elementwise<O extends "Add" | "Sub" | "Mul">(op: O, a: Tensor, b: Tensor): Tensor {
  const pair: OpInputs[O] & [Tensor, Tensor] = [a, b];
  return apply(op, pair, { outputs: [{ dtype: a.dtype, shape: broadcast(a.shape, b.shape) }] })[0]!;
}
export const add = (a: Tensor, b: Tensor): Tensor => elementwise("Add", a, b);
export const sub = (a: Tensor, b: Tensor): Tensor => elementwise("Sub", a, b);
export const mul = (a: Tensor, b: Tensor): Tensor => elementwise("Mul", a, b);
/** x · factor. */
export const scale = (x: Tensor, factor: number): Tensor => mul(x, scalar(factor));

type Unary = "Exp" | "Sigmoid";
function unary<O extends Unary>(op: O, x: Tensor): Tensor {
  const one: OpInputs[O] & [Tensor] = [x];
  return apply(op, one, { outputs: [{ dtype: x.dtype, shape: x.shape }] })[0]!;
}
export const exp = (x: Tensor): Tensor => unary("Exp", x);
export const sigmoid = (x: Tensor): Tensor => unary("Sigmoid", x);

/** x · sigmoid(x), from differentiable parts. */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));

/** x · sigmoid(x) as one kernel, without a gradient: for generation. */
export function fusedSilu(x: Tensor): Tensor {
  return apply("QuickGelu", [x], {
    domain: microsoft,
    attributes: { alpha: { float: 1 } },
    outputs: [{ dtype: x.dtype, shape: x.shape }],
  })[0]!;
}

/** Over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply("Softmax", [x], {
    attributes: { axis: { int: -1 } },
    outputs: [{ dtype: x.dtype, shape: x.shape }],
  })[0]!;
}

/** Over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  return apply("LogSoftmax", [x], {
    attributes: { axis: { int: -1 } },
    outputs: [{ dtype: x.dtype, shape: x.shape }],
  })[0]!;
}

const onnxTypes: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};
/** ONNX's number of an element type (TensorProto.DataType). */
export const onnxType = (dtype: DType): number => onnxTypes[dtype];

export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  return apply("Cast", [x], {
    attributes: { to: { int: onnxType(dtype) } },
    outputs: [{ dtype, shape: x.shape }],
  })[0]!;
}

/** alpha · op(a) · op(b), where op transposes the last two axes if asked; batch dimensions broadcast. */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transA = false, transB = false, alpha = 1 }: { transA?: boolean; transB?: boolean; alpha?: number } = {},
): Tensor {
  return apply("FusedMatMul", [a, b], {
    domain: microsoft,
    attributes: {
      transA: { int: Number(transA) },
      transB: { int: Number(transB) },
      alpha: { float: alpha },
    },
    outputs: [{ dtype: "float32", shape: matmulShape(a.shape, b.shape, { transA, transB }) }],
  })[0]!;
}

/** Root mean square norm over the last axis: x [..., D] · scale [D] / rms(x). */
export function rmsNorm(x: Tensor, scaleVector: Tensor, epsilon: number): Tensor {
  const statistics = [...x.shape.slice(0, -1), 1];
  // The second output, 1/rms, is what the gradient needs; ONNX leaves it out where nothing asks for it.
  return apply("SimplifiedLayerNormalization", [x, scaleVector], {
    attributes: { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } },
    outputs: [
      { dtype: "float32", shape: x.shape },
      { dtype: "float32", shape: statistics },
    ],
  })[0]!;
}

/** Rotary position embedding, halves rotated. x [B, T, heads·Dh]; positions [B, T] int64; cos, sin [P, Dh/2]. */
export function rotaryEmbedding(
  x: Tensor,
  tables: { positions: Tensor; cos: Tensor; sin: Tensor },
  heads: number,
): Tensor {
  return apply("RotaryEmbedding", [x, tables.positions, tables.cos, tables.sin], {
    domain: microsoft,
    attributes: { num_heads: { int: heads }, interleaved: { int: 0 } },
    outputs: [{ dtype: "float32", shape: x.shape }],
  })[0]!;
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  return apply("Reshape", [x, ints(reshapeVector(x.shape, shape))], {
    outputs: [{ dtype: x.dtype, shape }],
  })[0]!;
}

/** As `reshape`, to the shape that `like` has when the graph runs. */
export function reshapeLike(x: Tensor, like: Tensor): Tensor {
  return apply("Reshape", [x, shapeOf(like)], { outputs: [{ dtype: x.dtype, shape: like.shape }] })[0]!;
}

export function shapeOf(x: Tensor): Tensor {
  return apply("Shape", [x], { outputs: [{ dtype: "int64", shape: [x.shape.length] }] })[0]!;
}

/** A tensor of zeros in the shape of another. */
export function zerosLike(x: Tensor): Tensor {
  return apply("Expand", [scalar(0), shapeOf(x)], { outputs: [{ dtype: "float32", shape: x.shape }] })[0]!;
}

/** x repeated along its axes of size 1 to the shape of another. */
export function expandLike(x: Tensor, like: Tensor): Tensor {
  return apply("Expand", [x, shapeOf(like)], { outputs: [{ dtype: x.dtype, shape: like.shape }] })[0]!;
}

export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  return apply("Transpose", [x], {
    attributes: { perm: { ints: permutation } },
    outputs: [{ dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]!) }],
  })[0]!;
}

/** Rows of a table: data [V, D], indices [...] int64 → [..., D]. */
export function gather(data: Tensor, indices: Tensor): Tensor {
  return apply("Gather", [data, indices], {
    attributes: { axis: { int: 0 } },
    outputs: [{ dtype: data.dtype, shape: [...indices.shape, ...data.shape.slice(1)] }],
  })[0]!;
}

/** Elements at index tuples: data [d0, d1, ...], indices [N, q] int64 → [N, dq, ...]. */
export function gatherNd(data: Tensor, indices: Tensor): Tensor {
  return apply("GatherND", [data, indices], {
    outputs: [
      { dtype: data.dtype, shape: [...indices.shape.slice(0, -1), ...data.shape.slice(tupleSize(indices))] },
    ],
  })[0]!;
}

/** data with updates [N, ...] added at index tuples [N, q]; equal tuples add up. */
export function scatterAddNd(data: Tensor, indices: Tensor, updates: Tensor): Tensor {
  tupleSize(indices);
  return apply("ScatterND", [data, indices, updates], {
    attributes: { reduction: { string: "add" } },
    outputs: [{ dtype: data.dtype, shape: data.shape }],
  })[0]!;
}

function tupleSize(indices: Tensor): number {
  const size = indices.shape[indices.shape.length - 1];
  if (typeof size !== "number") throw new ShapeError("index tuples need a fixed size", [indices.shape]);
  return size;
}

type Reduction = "ReduceSum" | "ReduceMean" | "ReduceMax";
function reduce<O extends Reduction>(op: O, x: Tensor, axes: readonly number[], keep: boolean): Tensor {
  const chosen = new Set(axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis)));
  const shape = x.shape.flatMap((dim, i): Dim[] => (!chosen.has(i) ? [dim] : keep ? [1] : []));
  const inputs: OpInputs[O] & [Tensor, Tensor] = [x, ints([...chosen])];
  return apply(op, inputs, {
    attributes: { keepdims: { int: Number(keep) } },
    outputs: [{ dtype: x.dtype, shape }],
  })[0]!;
}
export const sum = (x: Tensor, axes: readonly number[], { keep = false } = {}): Tensor =>
  reduce("ReduceSum", x, axes, keep);
export const mean = (x: Tensor, axes: readonly number[], { keep = false } = {}): Tensor =>
  reduce("ReduceMean", x, axes, keep);
export const max = (x: Tensor, axes: readonly number[], { keep = false } = {}): Tensor =>
  reduce("ReduceMax", x, axes, keep);

/** The k largest of the last axis, largest first: x [..., V] → values and int64 indices [..., k]. */
export function topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
  const shape = [...x.shape.slice(0, -1), k];
  const [values, indices] = apply("TopK", [x, ints([k])], {
    attributes: { axis: { int: -1 }, largest: { int: 1 }, sorted: { int: 1 } },
    outputs: [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ],
  });
  return { values: values!, indices: indices! };
}

/** Sums a gradient down to the shape its operand had before broadcasting. */
export function unbroadcast(dy: Tensor, shape: Shape): Tensor {
  const { extra, kept } = broadcastAxes(dy.shape, shape);
  const leading = extra
    ? sum(
        dy,
        Array.from({ length: extra }, (_, i) => i),
      )
    : dy;
  return kept.length ? sum(leading, kept, { keep: true }) : leading;
}

/** Weights quantised in blocks: x [..., in] · dequantised(packed)ᵀ → [..., out]. See ONNX Runtime's MatMulNBits. */
export function matmulQuantised(
  x: Tensor,
  { packed, scales, bits, blockSize, outFeatures }: QuantisedWeight,
): Tensor {
  const inFeatures = x.shape[x.shape.length - 1]!;
  if (typeof inFeatures !== "number") throw new ShapeError("quantised matmul needs a fixed width", [x.shape]);
  return apply("MatMulNBits", [x, packed, scales], {
    domain: microsoft,
    attributes: {
      K: { int: inFeatures },
      N: { int: outFeatures },
      bits: { int: bits },
      block_size: { int: blockSize },
      accuracy_level: { int: 4 }, // int8 arithmetic: the only fast path for 8 bits
    },
    outputs: [{ dtype: "float32", shape: [...x.shape.slice(0, -1), outFeatures] }],
  })[0]!;
}

/** A weight [out, in] in blocks along `in`: packed uint8 [out, in/block, block·bits/8], scales [out·in/block]. */
export interface QuantisedWeight {
  packed: Tensor;
  scales: Tensor;
  bits: number;
  blockSize: number;
  outFeatures: number;
}

/**
 * Causal attention over a key/value cache of fixed capacity, written in place: query [B, T, H·Dh], key and value
 * [B, T, K·Dh], past [B, K, P, Dh]; `lastPositions` [B] int32 is the index of each row's last key, `totalLength` [1]
 * int32 the largest number of keys of any row.
 */
export function groupQueryAttention(
  inputs: OpInputs["GroupQueryAttention"],
  { heads, keyValueHeads }: { heads: number; keyValueHeads: number },
): Tensor {
  const [query, , , pastKey, pastValue] = inputs;
  // Without the present keys and values, its second and third output, the kernel looks at no past.
  const [output] = apply("GroupQueryAttention", inputs, {
    domain: microsoft,
    needsAllOutputs: true,
    attributes: { num_heads: { int: heads }, kv_num_heads: { int: keyValueHeads }, do_rotary: { int: 0 } },
    outputs: [
      { dtype: "float32", shape: query.shape },
      { dtype: "float32", shape: pastKey.shape },
      { dtype: "float32", shape: pastValue.shape },
    ],
  });
  return output!;
}

/** Names of all ops, for tests that must cover each. */
export type { Op };
