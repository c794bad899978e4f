import { decodeWhole } from "./decode.ts";
import type { Reader } from "./reader.ts";

/** Plain text: one record, named after the file. */
export const readText: Reader = async function* ({ path, name, signal }) {
  yield { title: name, text: await decodeWhole(path, signal) };
};
