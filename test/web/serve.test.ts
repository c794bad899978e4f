import type { ChildProcess } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { prag } from "../../src/cli/cli.suite.ts";
import { builtPage, findBrowser } from "./page.suite.ts";

const executablePath = findBrowser();
if (!executablePath)
  console.warn("skipped: prag serve in a browser: no browser was found (install chromium)");

/** Runs `prag serve` in a folder while a task uses it. */
async function whileServing(folder: string, task: (url: string) => Promise<void>): Promise<void> {
  let child: ChildProcess | undefined;
  const started = new Promise<string>((resolve, reject) => {
    let printed = "";
    const ended = prag(folder, ["serve", "--port", "0", "--json", "--threads", "1", "--offline"], {
      onStart: (process) => {
        child = process;
        process.stdout?.on("data", (chunk) => {
          printed += chunk;
          if (printed.endsWith("\n")) resolve(z.object({ url: z.string() }).parse(JSON.parse(printed)).url);
        });
      },
    });
    ended.then(({ code, stderr }) => reject(new Error(`prag serve ended with ${code}: ${stderr}`)), reject);
  });
  try {
    await task(await started);
  } finally {
    const closed = new Promise((done) => child?.once("close", done));
    if (child?.exitCode === null) {
      child.kill("SIGINT");
      await closed;
    }
  }
}

/** From an empty collection to an answer and its sources, as somebody who sees the page for the first time. */
async function firstUse(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel(/Drop files here/).setInputFiles({
    name: "Velm Lighthouse.txt",
    mimeType: "text/plain",
    buffer: Buffer.from(
      "Velm Lighthouse was built in 1874 by the engineer Ada Korvin. The tower is 41 metres tall. Its last keeper was Mirra Pell.",
    ),
  });
  await page.getByRole("button", { name: "Encode 1 passage" }).click();
  await page.getByRole("img", { name: /Training loss/ }).waitFor();
  await page.getByText("What your documents say is in the adapters now.").waitFor();
  await page.getByLabel("Your question").fill("Who built Velm Lighthouse?");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const answer = page.getByRole("article");
  await answer.getByText("used as adapter").waitFor();
  await answer.getByText("The tower is 41 metres tall.").waitFor();
  await page.getByText("1 document, 1 of 1 passage encoded").waitFor();
  await answer
    .locator(".costs dd", { hasText: /\d (ms|s)$/ })
    .first()
    .waitFor();
  expect((await answer.locator(".answer-text").innerText()).trim()).not.toBe("");
}

describe.skipIf(!executablePath)("prag serve in a browser", { timeout: 900_000 }, () => {
  it("leads from an empty folder to an answer, its sources and its adapter, without an error in the console", async () => {
    await builtPage();
    const folder = await mkdtemp(join(tmpdir(), "prag-serve-"));
    const browser = await chromium.launch({
      ...(executablePath && { executablePath }),
      args: ["--no-sandbox"],
    });
    const errors: string[] = [];
    try {
      // Rules write the questions, for no other reason than time; all else is as it is without any settings.
      await writeFile(join(folder, "prag.config.json"), JSON.stringify({ augment: { augmenter: "rule" } }));
      await whileServing(folder, async (url) => {
        const page = await browser.newPage();
        page.setDefaultTimeout(400_000);
        page.on("pageerror", (error) => errors.push(error.message));
        page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
        await firstUse(page, url);
        await page.getByRole("link", { name: "Adapters" }).click();
        await page.getByRole("button", { name: "Velm Lighthouse" }).click();
        await page.getByRole("img", { name: /Training loss/ }).waitFor();
        const download = page.waitForEvent("download");
        await page.getByRole("button", { name: "Download PEFT" }).click();
        expect((await download).suggestedFilename()).toMatch(/\.tar$/);
        await page.close();
      });
      expect(await readdir(folder)).toContain(".prag");
    } finally {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    }
    expect(errors).toEqual([]);
  });
});
