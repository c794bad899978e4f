import { describe, expect, it } from "vitest";
import { finish } from "../../base/steps.ts";
import { parseMarkdown } from "./markdown.ts";

const parse = (source: string) => finish(parseMarkdown(source));
const textOf = (source: string) => parse(source).text;

describe("parseMarkdown", () => {
  it("takes the title from the first heading of level 1, which leaves the text", () => {
    expect(parse("## Before\n\n# The *Veyra* Lamp #\n\nText.\n\n# Second\n")).toEqual({
      title: "The Veyra Lamp",
      text: "Before\n\n\nText.\n\nSecond\n",
    });
    expect(parse("The Lamp\n========\nText.")).toEqual({ title: "The Lamp", text: "Text." });
    expect(parse("Only text.")).toEqual({ title: undefined, text: "Only text." });
    expect(parse("```\n# comment\n```\n").title).toBeUndefined();
  });

  it("takes the title from the front matter where there is no heading", () => {
    expect(parse(`---\ndate: x\ntitle: "A: b"\n---\nText.`)).toEqual({
      title: "A: b",
      text: "Text.",
    });
    expect(parse("---\ntitle: A\n---\n# B\nText.")).toEqual({ title: "B", text: "Text." });
    expect(textOf("Text.\n\n---\ntitle: A\n---\n")).toContain("title: A");
  });

  it.each([
    ["a [link](http://x.y/a_(b) 'title') here", "a link here"],
    ["[![alt text](a.png)](b.html) and ![](c.png)x", "alt text and x"],
    ["see [one][1] and [two][]", "see one and two"],
    [
      "**bold** and *italic* and __b__ and _i_ and ***both*** ~~gone~~",
      "bold and italic and b and i and both gone",
    ],
    ["snake_case_name and 2 * 3 * 4 and a*b", "snake_case_name and 2 * 3 * 4 and a*b"],
    ["`code *kept* _as_ is` and ``a ` b``", "code *kept* _as_ is and a ` b"],
    ["> quoted\n> > twice", "quoted\ntwice"],
    ["- one\n  * two\n+ [x] three\n1. four", "one\n  two\nthree\n1. four"],
    ["| A | B |\n|---|:-:|\n| 1 | two |", "A, B\n1, two"],
    ["text<!-- hidden\nstill --> on<br>e", "text one"],
    ["[1]: http://x.y\ntext[^1]\n\n[^1]: A note.", "text\n\nA note."],
    ["a \\*star\\* &amp; <http://x.y> &lt;b&gt;", "a *star* & http://x.y <b>"],
    ["one\n\n* * *\n\ntwo", "one\n\n\ntwo"],
    ["~~~js\nconst a = '# b';\n~~~\nafter", "const a = '# b';\nafter"],
    ["    indented *code*", "    indented *code*"],
  ])("reduces %j", (source, expected) => {
    expect(textOf(source)).toBe(expected);
  });

  it("takes time linear in the text, whatever it is", () => {
    const parts = [
      "[",
      "](",
      "*",
      "`",
      "_",
      "<",
      "#",
      " ",
      "|-",
      "> ",
      "![a](",
      "(",
      "~",
      "- ",
      "a\\",
      "` ``",
    ];
    for (const part of parts) {
      const started = performance.now();
      parse(part.repeat(300_000 / part.length));
      parse(`a${part.repeat(300_000 / part.length)}b`);
      expect(performance.now() - started, part).toBeLessThan(3000);
    }
  });
});
