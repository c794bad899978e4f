import { extractText, getDocumentProxy, getMeta } from "unpdf";
import { z } from "zod";
import { InputError } from "../../base/errors.ts";
import type { Parsed } from "./parser.ts";

const metadata = z.object({ info: z.object({ Title: z.string().optional().catch(undefined) }) });

/** The text of a PDF, page by page; a PDF of pictures only, or one that asks for a password, is an `InputError`. */
export async function parsePdf(bytes: Uint8Array): Promise<Parsed> {
  const pdf = await openPdf(bytes);
  try {
    const { text: pages } = await extractText(pdf, { mergePages: false });
    const { info } = metadata.parse(await getMeta(pdf));
    const text = pages.map(unwrapLines).join("\n\n");
    if (text.trim() === "")
      throw new InputError("no text in this PDF (scanned pages have to go through OCR)");
    return { title: info.Title?.trim() || undefined, text };
  } finally {
    await pdf.destroy();
  }
}

async function openPdf(bytes: Uint8Array) {
  try {
    return await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 });
  } catch (error) {
    if (error instanceof Error && error.name === "PasswordException")
      throw new InputError("encrypted: this PDF asks for a password; save it without one", { cause: error });
    throw error;
  }
}

/** Lines that were broken to fit the page become one; a short line (a heading, the end of a paragraph) stays one. */
export function unwrapLines(page: string): string {
  const lines = page.split("\n").map((line) => line.trim());
  const width = lines.reduce((widest, line) => Math.max(widest, line.length), 0);
  let text = "";
  for (const [i, line] of lines.entries()) {
    const next = lines[i + 1] ?? "";
    const isBroken = next !== "" && line.length > width / 2 && !/[.!?:。！？：]["'”’)]?$/.test(line);
    if (!isBroken) text += `${line}\n`;
    else if (/\p{L}-$/u.test(line) && /^\p{Ll}/u.test(next)) text += line.slice(0, -1);
    else text += isWithoutSpaces(line.at(-1)) && isWithoutSpaces(next[0]) ? line : `${line} `;
  }
  return text;
}

function isWithoutSpaces(character: string | undefined): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。，]/u.test(character ?? "");
}
