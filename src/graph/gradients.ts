import { ShapeError, UnsupportedError } from "../base/errors.ts";
import {
  cast,
  exp,
  expandLike,
  gatherNd,
  matmul,
  mean,
  mul,
  reshape,
  reshapeLike,
  rotaryEmbedding,
  scale,
  scatterAddNd,
  sub,
  sum,
  transpose,
  unbroadcast,
  zerosLike,
} from "./ops.ts";
import type { Attribute, GradientTable, NodeView, Tensor } from "./tensor.ts";

/** How the gradient of an op's output becomes those of its inputs. */
export const gradients: GradientTable = {
  Add: (dy, [a, b]) => [unbroadcast(dy, a.shape), unbroadcast(dy, b.shape)],
  Sub: (dy, [a, b]) => [unbroadcast(dy, a.shape), unbroadcast(scale(dy, -1), b.shape)],
  Mul: (dy, [a, b]) => [unbroadcast(mul(dy, b), a.shape), unbroadcast(mul(dy, a), b.shape)],
  Exp: (dy, _inputs, { outputs }) => [mul(dy, outputs[0]!)],
  Sigmoid: (dy, _inputs, { outputs: [y] }) => [mul(dy, sub(y!, mul(y!, y!)))],
  Softmax: (dy, _inputs, { outputs: [y] }) => [mul(y!, sub(dy, sum(mul(dy, y!), [-1], { keep: true })))],
  LogSoftmax: (dy, _inputs, { outputs: [y] }) => [sub(dy, mul(exp(y!), sum(dy, [-1], { keep: true })))],
  Cast: (dy, [x]) => [cast(dy, x.dtype)],
  FusedMatMul: matmulGradient,
  SimplifiedLayerNormalization: (dy, [x, scaleVector], { outputs }) => {
    const inverseRms = outputs[1]!; // [..., 1]
    const normed = mul(x, inverseRms);
    const g = mul(dy, scaleVector);
    const along = mul(normed, mean(mul(g, normed), [-1], { keep: true }));
    return [mul(inverseRms, sub(g, along)), unbroadcast(mul(dy, normed), scaleVector.shape)];
  },
  // A rotation's transpose is the rotation by the negative angle.
  RotaryEmbedding: (dy, [, positions, cos, sin], { attributes }) => [
    rotaryEmbedding(dy, { positions, cos, sin: scale(sin, -1) }, int(attributes.num_heads)),
    undefined,
    undefined,
    undefined,
  ],
  Reshape: (dy, [x]) => [reshapeLike(dy, x), undefined],
  Expand: (dy, [x]) => [unbroadcast(dy, x.shape), undefined],
  Transpose: (dy, _inputs, { attributes }) => [transpose(dy, invert(intList(attributes.perm)))],
  Shape: () => [undefined],
  Gather: (dy, [data, indices]) => [
    scatterAddNd(zerosLike(data), reshape(indices, [...indices.shape, 1]), dy),
    undefined,
  ],
  GatherND: (dy, [data, indices]) => [scatterAddNd(zerosLike(data), indices, dy), undefined],
  ScatterND: (dy, [, indices]) => [dy, undefined, gatherNd(dy, indices)],
  ReduceSum: (dy, [x, axes], node) => [spread(dy, x, { axes, node }), undefined],
  ReduceMean: (dy, [x, axes], node) => {
    const count = intsOf(axes).reduce((product, axis) => product * fixed(x.shape[axis], x), 1);
    return [scale(spread(dy, x, { axes, node }), 1 / count), undefined];
  },
  ReduceMax: () => notDifferentiable("ReduceMax"),
  TopK: () => notDifferentiable("TopK"),
  QuickGelu: () => notDifferentiable("QuickGelu"),
  MatMulNBits: () => notDifferentiable("MatMulNBits"),
  GroupQueryAttention: () => notDifferentiable("GroupQueryAttention"),
};

function notDifferentiable(op: string): never {
  throw new UnsupportedError(
    `${op} has no gradient: it serves generation, use the ops of the training graph`,
  );
}

/** y = alpha · op(a) · op(b), with dop(a) = alpha · dy · op(b)ᵀ and dop(b) = alpha · op(a)ᵀ · dy. */
function matmulGradient(dy: Tensor, [a, b]: [Tensor, Tensor], { attributes }: NodeView): [Tensor, Tensor] {
  const [transA, transB] = [int(attributes.transA) === 1, int(attributes.transB) === 1];
  const alpha = float(attributes.alpha);
  const da = transA
    ? matmul(b, dy, { transA: transB, transB: true, alpha })
    : matmul(dy, b, { transB: !transB, alpha });
  const db = transB
    ? matmul(dy, a, { transA: true, transB: transA, alpha })
    : matmul(a, dy, { transA: !transA, alpha });
  return [unbroadcast(da, a.shape), unbroadcast(db, b.shape)];
}

/** Repeats the gradient of a reduction along the axes that it removed. */
function spread(dy: Tensor, x: Tensor, { axes, node }: { axes: Tensor; node: NodeView }): Tensor {
  const reduced = new Set(intsOf(axes));
  const keptShape = x.shape.map((dim, i) => (reduced.has(i) ? 1 : dim));
  return expandLike(int(node.attributes.keepdims) === 1 ? dy : reshape(dy, keptShape), x);
}

function fixed(dim: number | string | undefined, x: Tensor): number {
  if (typeof dim !== "number") throw new ShapeError("a mean needs axes of fixed size", [x.shape]);
  return dim;
}

function intsOf(tensor: Tensor): number[] {
  if (tensor.origin.kind !== "constant") throw new Error("internal: axes must be a constant");
  const { buffer, byteOffset, byteLength } = tensor.origin.data;
  return Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
}

function int(attribute: Attribute | undefined): number {
  if (attribute && "int" in attribute) return attribute.int;
  throw new Error("internal: attribute is not an integer");
}

function float(attribute: Attribute | undefined): number {
  if (attribute && "float" in attribute) return attribute.float;
  throw new Error("internal: attribute is not a float");
}

function intList(attribute: Attribute | undefined): readonly number[] {
  if (attribute && "ints" in attribute) return attribute.ints;
  throw new Error("internal: attribute is not a list");
}

function invert(permutation: readonly number[]): number[] {
  return permutation.map((_, axis) => permutation.indexOf(axis));
}
