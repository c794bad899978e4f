import { InputError } from "../../base/errors.ts";
import { decodeBytes, readBytes } from "./decode.ts";
import type { ParsedFormat } from "./parser.ts";
import type { Reader, SourceFile, SourceRecord } from "./reader.ts";

/** Web pages: one record, the article of the page. An encoding that the page declares is believed. */
export const readHtml: Reader = async function* (file) {
  const bytes = await readBytes(file.path, file.signal);
  const start = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  const declared = /<meta\s[^>]*charset=["']?([\w-]+)/i.exec(start)?.[1];
  // What could be read as ASCII is no UTF-16: the HTML standard takes such a declaration for UTF-8.
  const label = declared && /^utf-?16/i.test(declared) ? "utf-8" : declared;
  yield await parse(file, "html", decodeBytes(bytes, label));
};

/** PDF files: one record. */
export const readPdf: Reader = async function* (file) {
  yield await parse(file, "pdf", await readBytes(file.path, file.signal));
};

/** Word documents: one record. */
export const readDocx: Reader = async function* (file) {
  yield await parse(file, "docx", await readBytes(file.path, file.signal));
};

async function parse(
  { name, parser, signal }: SourceFile,
  format: ParsedFormat,
  input: string | Uint8Array,
): Promise<SourceRecord> {
  const { title, text } = await parser.parse(format, input, signal);
  if (text.includes("\0")) throw new InputError("binary: a NUL character in its text");
  return { title: title ?? name, text };
}
