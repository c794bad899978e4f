import { Readability } from "@mozilla/readability";
import { parseHTML } from "linkedom";
import type { Parsed } from "./parser.ts";

/** What is read of the nodes of a parsed page. */
interface PageNode {
  readonly nodeType: number;
  readonly localName?: string | null;
  readonly textContent: string | null;
  readonly childNodes: Iterable<PageNode>;
}

const elementNode = 1;
const textNode = 3;

const dropped = new Set(
  "script style template noscript svg canvas iframe object head title select textarea button".split(" "),
);
/** What stands around the content of a page; dropped where no article is found in it. */
const around = new Set("nav footer aside form dialog".split(" "));
const blocks = new Set(
  "div section article header footer main nav aside li tr dt dd form caption".split(" "),
);
const paragraphs = new Set(
  "p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl table figure figcaption address hr".split(" "),
);

/** The article of a page as Readability finds it, or all of the page where that is only a small part of it. */
export function parseHtml(html: string): Parsed {
  const { document } = parseHTML(withBody(html));
  const named = document.querySelector("title") ?? document.querySelector("h1");
  const title = named?.textContent?.trim();
  const all = textOf(document.body, around);
  const article = new Readability(document).parse();
  const text = article?.content ? parseFragment(article.content).text : "";
  return text.length > all.length / 4
    ? { title: article?.title?.trim() || title || undefined, text }
    : { title: title || undefined, text: all };
}

/** HTML may leave out the tags of its root; the parser wants them. */
function withBody(html: string): string {
  if (/<body[\s>]/i.test(html)) return html;
  const content = html.replace(/<!doctype[^>]{0,500}>|<\/?(?:html|head)(?:\s[^>]{0,2000})?>/gi, "");
  return `<!doctype html><html><head></head><body>${content}</body></html>`;
}

/** The text of the body of a page; a heading of level 1 at its beginning is its title. */
export function parseFragment(html: string): Parsed {
  const { document } = parseHTML(`<html><body>${html}</body></html>`);
  const first = document.body.firstElementChild;
  const title = first?.localName === "h1" ? first.textContent?.trim() : undefined;
  if (title) first?.remove();
  return { title: title || undefined, text: textOf(document.body) };
}

/** The text of an element, with line ends where a browser shows them. */
function textOf(root: PageNode, without: ReadonlySet<string> = new Set()): string {
  const parts: string[] = [];
  let isAtLineStart = true;
  const write = (text: string) => {
    if (text === "") return;
    parts.push(text);
    isAtLineStart = text.endsWith("\n");
  };
  const visit = (node: PageNode, isPreformatted: boolean) => {
    if (node.nodeType === textNode) {
      const text = node.textContent ?? "";
      const collapsed = isPreformatted ? text : text.replace(/\s+/g, " ");
      write(isAtLineStart && !isPreformatted ? collapsed.trimStart() : collapsed);
    }
    const name = node.localName ?? "";
    if (node.nodeType !== elementNode || dropped.has(name) || without.has(name)) return;
    const edge = paragraphs.has(name) ? "\n\n" : blocks.has(name) || name === "br" ? "\n" : "";
    if (name === "td" || name === "th") write(isAtLineStart ? "" : ", ");
    else if (!isAtLineStart || edge === "\n\n") write(edge);
    for (const child of node.childNodes) visit(child, isPreformatted || name === "pre");
    if (name !== "br") write(edge);
  };
  visit(root, false);
  return parts.join("");
}
