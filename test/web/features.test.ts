import { expect, it } from "vitest";
import { emptyWorld } from "./fake-world.ts";
import { describePage, filledWorld } from "./page.suite.ts";

describePage("answers", (open) => {
  it("stream, and stop when they are told to", async () => {
    const { page } = await open({
      world: { ...filledWorld(3), answerOf: () => [" Slowly", " it comes", "hold"] },
    });
    await page.getByLabel("Your question").fill("Who?");
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText("Slowly it comes").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Slowly it comes (stopped)").waitFor();
    await page.getByRole("button", { name: "Ask" }).waitFor();
  });

  it("stop with Escape, and are told to screen readers in the end", async () => {
    const { page, world } = await open({ world: { ...filledWorld(1), answerOf: () => [" Wait", "hold"] } });
    await page.getByLabel("Your question").fill("Who?");
    await page.keyboard.press("Enter");
    await page.getByText("Wait", { exact: true }).waitFor();
    await page.getByLabel("Your question").press("Escape");
    await page.getByText("Wait (stopped)").waitFor();
    world.answerOf = () => [" Ada", " Korvin", "."];
    await page.getByLabel("Your question").fill("Who?");
    await page.keyboard.press("Enter");
    await page.locator("[role=status]", { hasText: "Ada Korvin." }).waitFor();
  });

  it("are not asked for by a question that the server would refuse", async () => {
    const { page } = await open({ world: filledWorld(1) });
    const field = page.getByLabel("Your question");
    await field.fill(`Who? ${"x".repeat(3995)}  `);
    expect(await page.getByRole("button", { name: "Ask" }).isEnabled()).toBe(true);
    await field.fill("x".repeat(4001));
    await page.getByRole("alert").getByText("A question has at most 4,000 characters.").waitFor();
    expect(await page.getByRole("button", { name: "Ask" }).isEnabled()).toBe(false);
    await field.press("Enter");
    expect(await field.inputValue()).toHaveLength(4001);
  });

  it("stand side by side with tokens and times", async () => {
    const { page } = await open({ world: filledWorld(3), route: "compare" });
    await page.getByLabel("Your question").fill("Who built Velm Lighthouse?");
    await page.getByRole("button", { name: "Ask" }).click();
    const expected = { "Closed book": 43, "Standard RAG": 520, "Parametric RAG": 43, Combine: 520 };
    for (const [name, tokens] of Object.entries(expected)) {
      const column = page.getByRole("region", { name });
      await column.getByText("Ada Korvin.").waitFor();
      await column.getByText(String(tokens), { exact: true }).waitFor();
      await column.getByText(tokens === 43 ? "21 ms" : "76 ms").waitFor();
    }
    expect(await page.getByRole("region", { name: "Standard RAG" }).getByText("context").count()).toBe(3);
  });

  it("stay as the history of this visit, and go when it is cleared or the tab is opened anew", async () => {
    const { page } = await open({ world: filledWorld(2) });
    const ask = async (question: string) => {
      await page.getByLabel("Your question").fill(question);
      await page.keyboard.press("Enter");
      await page
        .getByRole("article")
        .filter({ has: page.getByRole("heading", { name: question }) })
        .getByText("21 ms")
        .waitFor();
    };
    const history = page.getByRole("region", { name: "Questions and answers of this visit" });
    const questions = () => history.getByRole("heading", { level: 2 }).allInnerTexts();
    expect(await history.count()).toBe(0);
    await ask("Who built it?");
    await ask("When was it built?");
    expect(await questions()).toEqual(["When was it built?", "Who built it?"]);
    await page.getByRole("link", { name: "Compare" }).click();
    await page.getByRole("link", { name: "Ask", exact: true }).click();
    await history.getByText("2 questions this visit").waitFor();
    const kept = "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])";
    expect(await page.evaluate(kept)).not.toContain("built");

    await history.getByRole("button", { name: "Clear" }).focus();
    await page.keyboard.press("Enter");
    await history.waitFor({ state: "detached" });
    expect(await page.getByLabel("Your question").and(page.locator(":focus")).count()).toBe(1);
    await page.locator("[role=status]", { hasText: "Questions and answers cleared" }).waitFor();
    await ask("Who built it?");
    await page.reload();
    await page.getByLabel("Your question").waitFor();
    expect(await history.count()).toBe(0);
  });

  it("are not told to screen readers again when their page is", async () => {
    const { page } = await open({ world: filledWorld(1) });
    const told = page.locator("[role=status]", { hasText: "Ada Korvin." });
    for (const [link, text] of [
      ["Ask", /^ ?Ada/],
      ["Compare", /^Combine: /],
    ] as const) {
      await page.getByRole("link", { name: link, exact: true }).click();
      await page.getByLabel("Your question").fill("Who?");
      await page.keyboard.press("Enter");
      await told.filter({ hasText: text }).waitFor();
    }
    await page.getByRole("link", { name: "Ask", exact: true }).click();
    await page.getByText("1 question this visit").waitFor();
    expect(await told.innerText()).toMatch(/^Combine: /);
  });

  it("never run what a document, its title or a model says", async () => {
    const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    const passages = [{ id: "ab", title: `<b>${attack}`, text: `Ada ${attack} Korvin`, isEncoded: true }];
    const world = {
      ...emptyWorld(),
      collections: new Map([["default", passages]]),
      answerOf: () => [attack],
    };
    const { page } = await open({ world });
    await page.getByLabel("Your question").fill(`Who is ${attack}?`);
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByRole("article").getByText("21 ms").waitFor();
    for (const route of ["documents", "adapters"]) {
      await page.goto(page.url().replace(/#.*|$/, `#/${route}`));
      await page.getByRole("table").getByText("onerror").first().waitFor();
    }
    await page.getByRole("button", { name: /onerror/ }).click();
    await page
      .getByRole("dialog")
      .getByText(/Ada <img/)
      .waitFor();
    expect(await page.locator("main img, main script, main b, dialog img, dialog script").count()).toBe(0);
    expect(await page.title()).toBe("Adapters · prag");
  });
});

describePage("adapters", (open) => {
  it("are shown with size, loss curve and recipe, downloaded, and deleted after a question", async () => {
    const { page, world } = await open({ world: filledWorld(2), route: "adapters" });
    const name = page.getByRole("button", { name: "Velm Lighthouse" });
    await name.click();
    const dialog = page.getByRole("dialog", { name: "Velm Lighthouse" });
    await dialog.getByText("42.9 kB (int8)").waitFor();
    await dialog.getByRole("img", { name: /Training loss/ }).waitFor();
    await dialog.getByText("Recipe").click();
    await dialog.getByText('"learningRate": 0.006').waitFor();
    const download = page.waitForEvent("download");
    await dialog.getByRole("button", { name: "Download PEFT" }).click();
    expect((await download).suggestedFilename()).toMatch(/^adapter-\w{12}\.tar$/);

    await dialog.getByRole("button", { name: "Delete" }).click();
    const question = page.getByRole("dialog", { name: "Delete this adapter?" });
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    expect(world.collections.get("default")?.[0]?.isEncoded).toBe(true);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await name.and(page.locator(":focus")).count()).toBe(1);

    await name.click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await question.getByRole("button", { name: "Delete adapter" }).click();
    await page.getByText("1 adapter, 42.9 kB in all").waitFor();
  });

  it("are trained anew on demand", async () => {
    const { page, world } = await open({ world: filledWorld(2), route: "adapters" });
    await page.getByRole("button", { name: "Velm Lighthouse" }).click();
    await page.getByRole("button", { name: "Encode again" }).click();
    await page.getByRole("heading", { level: 1, name: "Documents" }).waitFor();
    expect(world.jobs).toMatchObject([{ kind: "encode" }]);
  });

  it("are compared in a map that arrow keys walk", async () => {
    const { page } = await open({ world: filledWorld(4), route: "adapters" });
    await page.getByRole("tab", { name: "List" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("table", { name: "Similarity of adapters" }).waitFor();
    await page.keyboard.press("Tab");
    await page.getByText("Velm Lighthouse and Chronicle of Ostry 1: -0.49").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.getByText("Chronicle of Ostry 1 and Chronicle of Ostry 1: 1.00").waitFor();
    await page.keyboard.press("Home");
    await page.getByText("Chronicle of Ostry 1 and Velm Lighthouse: -0.49").waitFor();
  });
});

describePage("collections, reports and the connection", (open) => {
  it("makes, chooses and deletes collections", async () => {
    const { page, world } = await open({ world: filledWorld(2) });
    await page.getByRole("button", { name: "Manage collections" }).click();
    await page.getByLabel("New collection").fill("../etc");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("cannot name a collection").waitFor();
    await page.getByLabel("New collection").fill("manuals");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: "Add documents" }).waitFor();
    await page.reload();
    expect(await page.getByLabel("Collection", { exact: true }).inputValue()).toBe("manuals");
    await page.getByRole("button", { name: "Manage collections" }).click();
    await page.getByRole("button", { name: "Delete collection manuals" }).click();
    await page.getByRole("button", { name: "Delete collection", exact: true }).click();
    await page.getByText("2 documents, 2 of 2 passages encoded").first().waitFor();
    await expect.poll(() => [...world.collections.keys()]).toEqual(["default"]);
  });

  it("begins with the server's main collection, which is in the list while it is empty", async () => {
    const world = { ...emptyWorld(), collections: new Map(), mainCollection: "manuals" };
    const { page } = await open({ world });
    const choice = page.getByLabel("Collection", { exact: true });
    await page.getByRole("heading", { name: "Add documents" }).waitFor();
    expect(await choice.inputValue()).toBe("manuals");
    await page.getByRole("button", { name: /three short articles/ }).click();
    await expect.poll(() => [...world.collections.keys()]).toEqual(["manuals"]);
    world.collections.clear();
    world.collections.set("atlas", []);
    await page.reload();
    await choice.selectOption("atlas");
    expect(await choice.getByRole("option").allInnerTexts()).toEqual(["atlas", "manuals"]);
  });

  it("goes on with the main collection where the remembered one is gone", async () => {
    const world = filledWorld(2);
    world.collections.set("atlas", []);
    const { page } = await open({ world });
    await page.getByLabel("Collection", { exact: true }).selectOption("atlas");
    await page.getByRole("heading", { name: "Add documents" }).waitFor();
    world.collections.delete("atlas");
    await page.reload();
    await page.getByLabel("Your question").waitFor();
    expect(await page.getByLabel("Collection", { exact: true }).inputValue()).toBe("default");
    await page.reload();
    await page.getByLabel("Your question").waitFor();
  });

  it("lists reports and opens one in a tab of its own", async () => {
    const reports = [
      { path: "atlas run/report.html", html: "<h1>Atlas</h1><script>document.title='owned'</script>" },
    ];
    const { page } = await open({ world: { ...emptyWorld(), reports }, route: "reports" });
    const opened = page.waitForEvent("popup");
    await page.getByRole("link", { name: "atlas run/report.html" }).click();
    const report = await opened;
    await report.getByRole("heading", { name: "Atlas" }).waitFor();
    expect(await report.title()).not.toBe("owned");
  });

  it("opens reports of a server with a key, which it asks for once", async () => {
    const html = "<style>h1 { width: 123px }</style><h1>Atlas</h1>";
    const reports = [{ path: "atlas run/report.html", html }];
    const world = { ...emptyWorld(), reports, apiKey: "a-secret-key" };
    const { page } = await open({ world, route: "reports" });
    await page.getByLabel(/The value of --api-key/).fill("a-secret-key");
    await page.getByRole("button", { name: "Use this key" }).click();
    const name = page.getByRole("button", { name: "atlas run/report.html", exact: true });
    await name.click();
    const dialog = page.getByRole("dialog", { name: "atlas run/report.html" });
    const heading = dialog.frameLocator("iframe").getByRole("heading", { name: "Atlas" });
    await heading.waitFor();
    expect((await heading.boundingBox())?.width).toBe(123); // its styles hold
    expect(await dialog.locator("iframe").getAttribute("sandbox")).toBe("");
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await name.and(page.locator(":focus")).count()).toBe(1);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download atlas run/report.html" }).click();
    expect((await download).suggestedFilename()).toBe("atlas run-report.html");
  });

  it("tells when the server has gone, and goes on when it is back", async () => {
    const { page, server, restart } = await open({ world: filledWorld(2) });
    await page.getByLabel("Your question").fill("Who?");
    await server.close();
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText("Connection lost.").waitFor();
    await page.getByRole("article").getByText("The server cannot be reached.").waitFor();
    await restart();
    await page.getByText("Connection lost.").waitFor({ state: "detached" });
  });
});
