import { isAbsolute, relative, sep } from "node:path";
import { onnxType } from "./ops.ts";
import { ProtobufWriter } from "./protobuf.ts";
import { type Attribute, type Node, nodesFor, type Tensor } from "./tensor.ts";

/** A model file in memory. External weights are named relative to `folder`. */
export interface OnnxModel {
  bytes: Uint8Array;
  inputs: string[];
  outputs: string[];
  folder: string | undefined;
}

const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 };

/**
 * Writes the graph that the named outputs need as an ONNX model (IR 10, opset 21; `com.microsoft` 1). Unneeded nodes
 * and inputs are left out. `folder` holds the weight files; ONNX Runtime refuses files outside it.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function toOnnx(outputs: Record<string, Tensor>, { folder }: { folder?: string } = {}): OnnxModel {
  const nodes = nodesFor(Object.values(outputs));
  const leaves = leavesOf(nodes, Object.values(outputs));
  const inputs = leaves.filter((tensor) => tensor.origin.kind === "input");
  rejectDuplicates([...leaves.map((tensor) => tensor.name), ...Object.keys(outputs)]);
  const used = new Set(nodes.flatMap((node) => node.inputs.map((x) => x.name)));
  const names = new Map<Tensor, string>();
  const copies: [string, Tensor][] = []; // outputs that a node cannot name: a leaf, or a second name
  for (const [name, tensor] of Object.entries(outputs)) {
    if (tensor.origin.kind === "node" && !names.has(tensor)) names.set(tensor, name);
    else copies.push([name, tensor]);
  }
  const nameOf = (tensor: Tensor) => names.get(tensor) ?? tensor.name;

  const writer = new ProtobufWriter();
  writer.int(1, 10).string(2, "parametric-rag");
  writer.message(7, (graph) => {
    for (const node of nodes) {
      graph.message(1, (message) => writeNode(message, node, { nameOf, used, names }));
    }
    for (const [name, tensor] of copies) {
      graph.message(1, (message) => message.string(1, nameOf(tensor)).string(2, name).string(4, "Identity"));
    }
    graph.string(2, "main");
    for (const leaf of leaves) {
      if (leaf.origin.kind !== "input")
        graph.message(5, (message) => writeInitializer(message, leaf, folder));
    }
    for (const tensor of inputs) graph.message(11, (message) => writeValueInfo(message, tensor.name, tensor));
    for (const [name, tensor] of Object.entries(outputs)) {
      graph.message(12, (message) => writeValueInfo(message, name, tensor));
    }
  });
  writer.message(8, (opset) => opset.string(1, "").int(2, 21));
  writer.message(8, (opset) => opset.string(1, "com.microsoft").int(2, 1));
  return {
    bytes: writer.bytes,
    inputs: inputs.map((tensor) => tensor.name),
    outputs: Object.keys(outputs),
    folder,
  };
}

function leavesOf(nodes: readonly Node[], outputs: readonly Tensor[]): Tensor[] {
  const leaves = new Map<string, Tensor>();
  for (const x of [...nodes.flatMap((node) => node.inputs), ...outputs]) {
    if (x.origin.kind === "node") continue;
    const before = leaves.get(x.name);
    if (before && before !== x) throw new Error(`internal: two tensors are named ${x.name}`);
    leaves.set(x.name, x);
  }
  return [...leaves.values()];
}

function rejectDuplicates(names: string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`internal: graph input, weight or output ${twice} is named twice`);
}

function writeNode(
  writer: ProtobufWriter,
  node: Node,
  { nameOf, used, names }: { nameOf: (t: Tensor) => string; used: Set<string>; names: Map<Tensor, string> },
): void {
  for (const x of node.inputs) writer.string(1, nameOf(x));
  // A trailing output that nothing uses is not computed.
  const wanted = node.outputs.findLastIndex(
    (y, i) => i === 0 || node.needsAllOutputs || used.has(y.name) || names.has(y),
  );
  for (const y of node.outputs.slice(0, wanted + 1)) writer.string(2, nameOf(y));
  writer.string(3, node.outputs[0]!.name).string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) {
    writer.message(5, (message) => writeAttribute(message, name, value));
  }
  writer.string(7, node.domain);
}

function writeAttribute(writer: ProtobufWriter, name: string, value: Attribute): void {
  writer.string(1, name);
  if ("int" in value) writer.int(3, value.int).int(20, attributeTypes.int);
  else if ("float" in value) writer.float(2, value.float).int(20, attributeTypes.float);
  else if ("string" in value) writer.string(4, value.string).int(20, attributeTypes.string);
  else {
    for (const item of value.ints) writer.int(8, item);
    writer.int(20, attributeTypes.ints);
  }
}

function writeInitializer(writer: ProtobufWriter, tensor: Tensor, folder: string | undefined): void {
  for (const dim of tensor.shape) writer.int(1, Number(dim));
  writer.int(2, onnxType(tensor.dtype)).string(8, tensor.name);
  if (tensor.origin.kind === "constant") {
    writer.data(9, tensor.origin.data);
  } else if (tensor.origin.kind === "weight") {
    if (folder === undefined) throw new Error(`internal: weight ${tensor.name} needs a folder`);
    const { file, offset, byteLength } = tensor.origin.range;
    const location = relative(folder, file);
    if (location.split(sep)[0] === ".." || isAbsolute(location))
      throw new Error(`internal: ${file} is not below ${folder}`);
    const entries = { location, offset: String(offset), length: String(byteLength) };
    for (const [key, value] of Object.entries(entries)) {
      writer.message(13, (entry) => entry.string(1, key).string(2, value));
    }
    writer.int(14, 1);
  }
}

function writeValueInfo(writer: ProtobufWriter, name: string, tensor: Tensor): void {
  writer.string(1, name);
  writer.message(2, (type) =>
    type.message(1, (tensorType) => {
      tensorType.int(1, onnxType(tensor.dtype));
      tensorType.message(2, (shape) => {
        for (const dim of tensor.shape) {
          shape.message(1, (d) => (typeof dim === "number" ? d.int(1, dim) : d.string(2, dim)));
        }
      });
    }),
  );
}
