import { ShapeError } from "../base/errors.ts";

/** A size: a number, or the name of a dimension that is free until the graph runs (`B`, `T`, …). */
export type Dim = number | string;
export type Shape = readonly Dim[];
export type DType = "float32" | "float16" | "bfloat16" | "int64" | "int32" | "uint8" | "int8" | "bool";

/** Values of a node's attributes, tagged with the ONNX attribute type. */
export type Attribute =
  | { int: number }
  | { float: number }
  | { ints: readonly number[] }
  | { string: string };

/** Where the bytes of a weight lie: a range of a file, used in place. */
export interface FileRange {
  file: string;
  offset: number;
  byteLength: number;
}

/** What a tensor is made by. */
export type Origin =
  | { kind: "input" }
  | { kind: "constant"; data: Uint8Array }
  | { kind: "weight"; range: FileRange }
  | { kind: "node"; node: Node; output: number };

/** A symbolic tensor: a value that will exist when the graph runs. */
export interface Tensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly origin: Origin;
}

/** Inputs of every op we emit; an optional input may be absent, which ONNX writes as an empty name. */
export interface OpInputs {
  Add: [Tensor, Tensor];
  Sub: [Tensor, Tensor];
  Mul: [Tensor, Tensor];
  Exp: [Tensor];
  Sigmoid: [Tensor];
  Softmax: [Tensor];
  LogSoftmax: [Tensor];
  Cast: [Tensor];
  FusedMatMul: [Tensor, Tensor];
  SimplifiedLayerNormalization: [Tensor, Tensor];
  RotaryEmbedding: [x: Tensor, positions: Tensor, cos: Tensor, sin: Tensor];
  Reshape: [x: Tensor, shape: Tensor];
  Expand: [x: Tensor, shape: Tensor];
  Transpose: [Tensor];
  Shape: [Tensor];
  Gather: [data: Tensor, indices: Tensor];
  GatherND: [data: Tensor, indices: Tensor];
  ScatterND: [data: Tensor, indices: Tensor, updates: Tensor];
  ReduceSum: [x: Tensor, axes: Tensor];
  ReduceMean: [x: Tensor, axes: Tensor];
  ReduceMax: [x: Tensor, axes: Tensor];
  TopK: [x: Tensor, k: Tensor];
  QuickGelu: [Tensor];
  MatMulNBits: [x: Tensor, packed: Tensor, scales: Tensor];
  GroupQueryAttention: [
    query: Tensor,
    key: Tensor,
    value: Tensor,
    pastKey: Tensor,
    pastValue: Tensor,
    lastPositions: Tensor,
    totalLength: Tensor,
  ];
}
export type Op = keyof OpInputs;

/** What a gradient rule may look at besides the inputs. */
export interface NodeView {
  outputs: readonly Tensor[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** Gradients of the inputs, one for each; `undefined` where an input has none (indices, shapes). */
export type GradientsOf<Inputs extends readonly Tensor[]> = { [I in keyof Inputs]: Tensor | undefined };
/** From the gradient of the first output to those of the inputs. */
export type GradientRule<Inputs extends readonly Tensor[]> = (
  dy: Tensor,
  inputs: Inputs,
  node: NodeView,
) => GradientsOf<Inputs>;
/** Total: an op without its rule, or with a rule of the wrong length, does not compile. */
export type GradientTable = { [O in Op]: GradientRule<OpInputs[O]> };

/** An application of an op. */
export interface Node extends NodeView {
  readonly op: Op;
  readonly domain: string;
  readonly inputs: readonly Tensor[];
  /** Outputs that nothing uses are written too. */
  readonly needsAllOutputs: boolean;
  /** Applies this node's rule; keeps the op and its inputs' types together. */
  pullback(table: GradientTable, dy: Tensor): readonly (Tensor | undefined)[];
}

let counter = 0;
const fresh = (stem: string) => `${stem}_${counter++}`;

const itemSizes: Record<DType, number> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  uint8: 1,
  int8: 1,
  bool: 1,
};

/** Bytes of one element. */
export function itemSize(dtype: DType): number {
  return itemSizes[dtype];
}

/** A value given at run time. */
export function input(name: string, dtype: DType, shape: Shape): Tensor {
  return { name, dtype, shape, origin: { kind: "input" } };
}

/** Small data inside the model file. */
export function constant(
  data: Float32Array | BigInt64Array | Int32Array | Uint8Array,
  shape: readonly number[],
): Tensor {
  const dtype: DType =
    data instanceof Float32Array
      ? "float32"
      : data instanceof BigInt64Array
        ? "int64"
        : data instanceof Int32Array
          ? "int32"
          : "uint8";
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== data.length) throw new ShapeError(`constant has ${data.length} values`, [shape]);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name: fresh("constant"), dtype, shape, origin: { kind: "constant", data: bytes } };
}

/** A float32 scalar. */
export function scalar(value: number): Tensor {
  return constant(Float32Array.of(value), []);
}

/** An int64 vector, as axes and shapes are given. */
export function ints(values: readonly number[]): Tensor {
  return constant(BigInt64Array.from(values, BigInt), [values.length]);
}

/** A weight that stays in its file. */
export function weight(
  name: string,
  { dtype, shape, range }: { dtype: DType; shape: readonly number[]; range: FileRange },
): Tensor {
  const expected = shape.reduce((a, b) => a * b, 1) * itemSize(dtype);
  if (expected !== range.byteLength) {
    throw new ShapeError(`weight ${name} needs ${expected} bytes, its range has ${range.byteLength}`, [
      shape,
    ]);
  }
  return { name, dtype, shape, origin: { kind: "weight", range } };
}

/** Applies an op. `outputs` gives dtype and shape of each output in order. */
export function apply<O extends Op>(
  op: O,
  inputs: OpInputs[O],
  options: {
    outputs: readonly { dtype: DType; shape: Shape }[];
    attributes?: Record<string, Attribute>;
    domain?: string;
    /** The op computes something else where an output that nothing uses is left out. */
    needsAllOutputs?: boolean;
  },
): Tensor[] {
  const outputs: Tensor[] = [];
  const attributes = options.attributes ?? {};
  const node: Node = {
    op,
    domain: options.domain ?? "",
    inputs,
    outputs,
    attributes,
    needsAllOutputs: options.needsAllOutputs ?? false,
    pullback: (table, dy) => table[op](dy, inputs, { outputs, attributes }),
  };
  options.outputs.forEach(({ dtype, shape }, output) => {
    outputs.push({ name: fresh(op), dtype, shape, origin: { kind: "node", node, output } });
  });
  return outputs;
}

/** The graph's nodes that the given tensors need, producers first; what nothing needs is not among them. */
export function nodesFor(outputs: readonly Tensor[]): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // An explicit stack: model graphs are deeper than the call stack.
  const stack: { node: Node; next: number }[] = [];
  const push = (tensor: Tensor) => {
    if (tensor.origin.kind !== "node" || seen.has(tensor.origin.node)) return;
    seen.add(tensor.origin.node);
    stack.push({ node: tensor.origin.node, next: 0 });
  };
  for (const output of outputs) {
    push(output);
    while (stack.length) {
      const top = stack[stack.length - 1]!;
      const child = top.node.inputs[top.next++];
      if (child) push(child);
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}
