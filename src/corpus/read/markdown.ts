import { createTurns, type Steps } from "../../base/steps.ts";
import { decodeWhole } from "./decode.ts";
import type { Reader } from "./reader.ts";

/** Markdown: one record, its title from the first `# ` heading, else the front matter, else the file's name. */
export const readMarkdown: Reader = async function* ({ path, name, signal }) {
  const { title, text } = await createTurns(signal)(parseMarkdown(await decodeWhole(path, signal)));
  yield { title: title ?? name, text };
};

/** Markdown as plain text, and the title that it gives itself; the heading that is the title is not in the text. */
export function* parseMarkdown(source: string): Steps<{ title: string | undefined; text: string }> {
  const { frontTitle, body } = splitFrontMatter(source.replace(/\r\n?/g, "\n"));
  const lines = body.replace(/<!--[\s\S]*?(?:-->|$)/g, "").split("\n");
  const kept: string[] = [];
  let title: string | undefined;
  let fence: string | undefined;
  for (const [i, line] of lines.entries()) {
    yield line.length + 1;
    const marker = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (marker?.startsWith(fence) && line.trim() === marker) fence = undefined;
      else kept.push(line);
    } else if (marker) {
      fence = marker;
    } else if (title === undefined && isTitle(line, lines[i + 1])) {
      title = plainInline(plainHeading(line)).trim();
    } else {
      const plain = plainLine(line);
      if (plain !== undefined) kept.push(plain);
    }
  }
  return { title: title || frontTitle, text: kept.join("\n") };
}

function splitFrontMatter(source: string): { frontTitle: string | undefined; body: string } {
  const match = /^---[ \t]*\n([\s\S]*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)/.exec(source);
  if (!match) return { frontTitle: undefined, body: source };
  const title = /^title:[ \t]*(.+)$/im.exec(match[1] ?? "")?.[1]?.trim();
  const unquoted = title?.replace(/^(["'])(.*)\1$/, "$2");
  return { frontTitle: unquoted || undefined, body: source.slice(match[0].length) };
}

function isTitle(line: string, next: string | undefined): boolean {
  if (/^ {0,3}#\s+\S/.test(line)) return true;
  return /^ {0,3}[^\s#>*+|-]/.test(line) && next !== undefined && /^ {0,3}={2,}\s*$/.test(next);
}

/** Every expression here takes time linear in the line, so that no file, however odd, is slow. */
const plainHeading = (line: string) =>
  line
    .trim()
    .replace(/^#{1,6}\s+/, "")
    .replace(/[ \t]#+$/, "")
    .trim();

/** A line without the marks of its block, or nothing where it is marks only. */
function plainLine(line: string): string | undefined {
  if (/^(?: {4}|\t)/.test(line) && !/^\s*(?:[-*+]|\d+[.)])\s/.test(line)) return line; // indented code
  if (/^ {0,3}(?:={2,}|([-*_])[ \t]*(?:\1[ \t]*){2,})$/.test(line)) return undefined; // underline or rule
  if (/^[\s:|-]+$/.test(line) && line.includes("-") && line.includes("|")) return undefined; // below a table's head
  if (/^ {0,3}\[[^\]^][^\]]*\]:\s*\S/.test(line)) return undefined; // the address of a link
  if (/^ {0,3}#{1,6}\s/.test(line)) return plainInline(plainHeading(line));
  const content = line
    .replace(/^(?:\s*>)+ ?/, "")
    .replace(/^(\s*)[-*+]\s+(?:\[[ xX]\]\s+)?/, "$1")
    .replace(/^ {0,3}\[\^[^\]]+\]:\s*/, "");
  return plainInline(/^\s*\|.*\|\s*$/.test(content) ? tableRow(content) : content);
}

function tableRow(line: string): string {
  const cells = line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/);
  return cells
    .map((cell) => cell.trim())
    .filter((cell) => cell !== "")
    .join(", ");
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: " ", apos: "'" };

const codeSpan = /(?<!`)(`{1,20})(?!`)(.{1,500}?)(?<!`)\1(?!`)/g;

/** Code spans are kept as they are; the rest of a line loses its marks. */
function plainInline(line: string): string {
  let text = "";
  let from = 0;
  for (const match of line.matchAll(codeSpan)) {
    text += plainSpan(line.slice(from, match.index)) + match[2];
    from = match.index + match[0].length;
  }
  return text + plainSpan(line.slice(from));
}

/** Escaped marks wait in the private use area until the real ones are gone. */
const escaped = 0xe000;

function plainSpan(text: string): string {
  return text
    .replace(/\\([!-/:-@[-`{-~])/g, (_, mark: string) => String.fromCharCode(escaped + mark.charCodeAt(0)))
    .replace(/!\[([^[\]]{0,1000})\]\((?:[^()]|\([^()]{0,500}\)){0,2000}\)/g, "$1")
    .replace(/\[([^[\]]{0,1000})\]\((?:[^()]|\([^()]{0,500}\)){0,2000}\)/g, "$1")
    .replace(/\[\^[^[\]]{1,100}\]/g, "")
    .replace(/!?\[([^[\]]{1,1000})\]\[[^[\]]{0,200}\]/g, "$1")
    .replace(/<((?:https?|mailto):[^<>\s]{1,2000})>/g, "$1")
    .replace(/<\/?[a-zA-Z][^<>]{0,2000}>/g, "")
    .replace(/(\*{1,3})(?=\S)([^*]{1,5000})(?<=\S)\1/g, "$2")
    .replace(/(?<![\p{L}\p{N}_])(_{1,3})(?=\S)([^_]{1,5000})(?<=\S)\1(?![\p{L}\p{N}_])/gu, "$2")
    .replace(/~~([^~]{1,5000})~~/g, "$1")
    .replace(/&(amp|lt|gt|quot|nbsp|apos);/g, (_, name: string) => entities[name] ?? "")
    .replace(/[\ue021-\ue07e]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) - escaped));
}
