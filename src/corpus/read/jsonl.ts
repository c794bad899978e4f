import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { decodeFile, linesOf } from "./decode.ts";
import type { Reader, RecordProblem, SourceRecord } from "./reader.ts";

const row = z.object({
  id: z.union([z.string(), z.number()]).nullish(),
  title: z.string().nullish(),
  text: z.string().nullish(),
  contents: z.string().nullish(),
  content: z.string().nullish(),
});

/** One record a line: `{ id?, title?, text | contents | content }`. A malformed line is a problem of that line. */
export const readJsonl: Reader = async function* ({ path, signal }) {
  let number = 0;
  for await (const line of linesOf(decodeFile(path, signal))) {
    number++;
    if (line.trim() !== "") yield parseLine(line, number);
  }
};

function parseLine(line: string, number: number): SourceRecord | RecordProblem {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { problem: `line ${number}: malformed JSON (${messageOf(error).slice(0, 120)})` };
  }
  const { success, data, error } = row.safeParse(value);
  if (!success) {
    const { path = [], message } = error.issues[0] ?? {};
    return { problem: `line ${number}: ${path.length ? `"${path.join(".")}": ` : ""}${message}` };
  }
  const text = data.text ?? data.contents ?? data.content;
  if (text === undefined || text === null)
    return { problem: `line ${number}: no "text", "contents" or "content"` };
  return { title: data.title ?? "", text, record: String(data.id ?? number) };
}
