import { expect, it } from "vitest";
import { emptyWorld } from "./fake-world.ts";
import { describePage } from "./page.suite.ts";

const article = {
  name: "Velm Lighthouse.txt",
  mimeType: "text/plain",
  buffer: Buffer.from("Velm Lighthouse was built in 1874 by the engineer Ada Korvin on the island of Ostry."),
};

describePage("the first use", (open) => {
  it("leads from nothing over documents and adapters to an answer with its sources", async () => {
    const { page, world } = await open();
    expect(await page.locator("[aria-current=step]").innerText()).toContain("Add documents");
    await page.getByLabel(/Drop files here/).setInputFiles([article, { ...article, name: "Ostry.txt" }]);
    const encode = page.getByRole("button", { name: "Encode 2 passages" });
    await encode.waitFor();

    world.holdsJobs = true;
    await encode.click();
    const job = page.getByRole("region", { name: "Making adapters" });
    await job.getByText("Training: 1 of 2 passages").waitFor();
    await job.getByText("about 20 s left").waitFor();
    await job.getByRole("img", { name: /Training loss from 3\.46 to 0\.\d\d in 18 updates/ }).waitFor();
    expect(await job.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("18");
    world.holdsJobs = false;

    await page.getByText("What your documents say is in the adapters now.").waitFor();
    await page.getByLabel("Your question").fill("Who built Velm Lighthouse?");
    await page.getByLabel("Your question").press("Enter");
    const answer = page.getByRole("article");
    await answer.getByText("Ada Korvin.", { exact: true }).waitFor();
    const sources = answer.getByRole("region", { name: "Sources" });
    await sources.getByText("used as adapter").first().waitFor();
    await sources.getByText("9.50").waitFor();
    expect(await sources.locator("details[open] mark[data-mark=answer]").allInnerTexts()).toEqual([
      "Ada Korvin",
    ]);
    expect(await sources.locator("mark[data-mark=query]").first().innerText()).toBe("Velm");
    expect(await answer.locator(".costs").innerText()).toMatch(/43[\s\S]*21 ms/);
  });

  it("is there without any file of one's own", async () => {
    const { page } = await open();
    await page.getByRole("button", { name: /three short articles/ }).click();
    await page.getByRole("button", { name: "Encode 3 passages" }).click();
    await page.getByRole("button", { name: "Who built Velm Lighthouse?" }).click();
    await page.getByRole("article").getByText("Ada Korvin.", { exact: true }).waitFor();
  });

  it("takes files that are dropped", async () => {
    const { page } = await open();
    await page.getByText("Drop files here").waitFor();
    const transfer = await page.evaluateHandle(
      `(() => { const data = new DataTransfer(); data.items.add(new File(["Ostry is an island."], "Ostry.txt")); return data; })()`,
    );
    await page.dispatchEvent(".drop-zone", "drop", { dataTransfer: transfer });
    await page.getByRole("button", { name: "Encode 1 passage" }).waitFor();
  });

  it("can be gone through with keys alone", async () => {
    const { page } = await open();
    const tabTo = async (name: string | RegExp) => {
      const focused = page.getByRole("button", { name }).and(page.locator(":focus"));
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press("Tab");
        if (await focused.count()) return;
      }
      throw new Error(`no Tab reaches ${name}`);
    };
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to content");
    await tabTo(/three short articles/);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Encode 3 passages" }).waitFor();
    await tabTo("Encode 3 passages");
    await page.keyboard.press("Space");
    await page.getByText("What your documents say is in the adapters now.").waitFor();
    await page.getByLabel("Your question").focus();
    await page.keyboard.type("Who built Velm Lighthouse?");
    await page.keyboard.press("Tab"); // the chosen method
    await page.keyboard.press("ArrowRight");
    expect(await page.getByRole("radio", { name: "Combine" }).isChecked()).toBe(true);
    await tabTo("Ask");
    await page.keyboard.press("Enter");
    await page.getByText("used as both").first().waitFor();
  });

  it("says what a server cannot read, and goes on", async () => {
    const { page } = await open();
    await page.getByLabel(/Drop files here/).setInputFiles([{ ...article, name: "setup.exe" }]);
    const notice = page.getByRole("alert");
    await notice.getByText("files of this kind cannot be read").waitFor();
    await notice.getByText("Change what is named above").waitFor();
    await page.getByLabel(/Drop files here/).setInputFiles([article]);
    await page.getByRole("button", { name: "Encode 1 passage" }).waitFor();
  });

  it("says at once what is too large to be sent", async () => {
    const { page, world } = await open();
    const files = [0, 1].map((i) => ({ ...article, name: `${i}.txt`, buffer: Buffer.alloc(6e5, "x") }));
    await page.getByLabel(/Drop files here/).setInputFiles(files);
    await page.getByRole("alert").getByText("2 files of 1.2 MB: the server takes 1.0 MB at once.").waitFor();
    expect(world.jobs).toEqual([]);
    await page.getByLabel(/Drop files here/).setInputFiles(files.slice(1));
    await page.getByRole("button", { name: "Encode 1 passage" }).waitFor();
  });

  it("asks for the key of a server that has one, and for another where it is wrong", async () => {
    const { page } = await open({ world: { ...emptyWorld(), apiKey: "secret" } });
    const dialog = page.getByRole("dialog", { name: "This server asks for a key" });
    const refusal = dialog.getByText("The server refused that key.");
    await dialog.waitFor();
    expect(await refusal.count()).toBe(0);
    for (const key of ["wrong", "secret"]) {
      await dialog.getByLabel(/--api-key/).fill(key);
      await dialog.getByRole("button", { name: "Use this key" }).click();
      if (key === "wrong") await refusal.waitFor();
    }
    await page.getByRole("heading", { name: "Add documents" }).waitFor();
    expect(await dialog.count()).toBe(0);
  });
});
