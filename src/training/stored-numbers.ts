import { FormatError } from "../base/errors.ts";
import { readTensor, type SafetensorsFile } from "../weights/safetensors.ts";

/** Reads a tensor of a training's state; one that has not so many numbers is a `FormatError`. */
export async function readStoredNumbers(
  file: SafetensorsFile,
  name: string,
  length: number,
): Promise<Float32Array> {
  const entry = file.tensors.get(name);
  const data = entry && (await readTensor(entry));
  if (data?.length !== length) {
    throw new FormatError(
      `${name} has ${data?.length ?? "no"} numbers, wanted ${length}; delete the file and train again`,
      { path: file.path },
    );
  }
  return data;
}
