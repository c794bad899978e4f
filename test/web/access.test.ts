import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { z } from "zod";
import { describePage, filledWorld } from "./page.suite.ts";

const routes = ["ask", "compare", "documents", "adapters", "reports"] as const;
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

const findings = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.object({ html: z.string() })) }),
);

/** Serious findings of axe, each with the first element it names. */
async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const violations = findings.parse(await page.evaluate("axe.run().then((result) => result.violations)"));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** Pixels that the page is wider than the window. */
const overflow = (page: Page) =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

async function show(page: Page, route: (typeof routes)[number]): Promise<void> {
  await page.evaluate(`location.hash = "#/${route}"`);
  await page.locator(`main[data-route=${route}]`).waitFor();
  await page.locator(".loading").waitFor({ state: "detached" });
}

async function ask(page: Page): Promise<void> {
  await page.getByLabel("Your question").fill("Who built Velm Lighthouse?");
  await page.getByRole("button", { name: "Ask" }).click();
  await page.getByText("21 ms").first().waitFor();
}

describePage("the page for everybody", (open) => {
  for (const colorScheme of ["light", "dark"] as const)
    it(`has no serious finding of axe on any page (${colorScheme})`, async () => {
      const { page, world } = await open({ world: filledWorld(6), context: { colorScheme } });
      world.reports.push({ path: "a/report.html", html: "" });
      const found: Record<string, string[]> = {};
      for (const route of routes) {
        await show(page, route);
        if (route === "ask" || route === "compare") await ask(page);
        found[route] = await seriousFindings(page);
      }
      await show(page, "adapters");
      await page.getByRole("tab", { name: "Similarity" }).click();
      await page.getByRole("table").waitFor();
      found.similarity = await seriousFindings(page);
      await page.getByRole("tab", { name: "List" }).click();
      await page.getByRole("button", { name: "Velm Lighthouse" }).click();
      await page.getByRole("img", { name: /Training loss/ }).waitFor();
      found.adapter = await seriousFindings(page);
      expect(Object.values(found).flat()).toEqual([]);
    });

  it("has no serious finding in its first steps", async () => {
    const { page } = await open();
    await page.getByRole("heading", { name: "Add documents" }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Manage collections" }).click();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it("fits a phone of 360 pixels, also with long words", async () => {
    const world = filledWorld(6);
    const [first] = world.collections.get("default") ?? [];
    if (first) Object.assign(first, { title: "Donaudampfschifffahrt".repeat(6), text: "x".repeat(400) });
    const { page } = await open({ world, context: phone });
    for (const route of routes) {
      await show(page, route);
      if (route === "ask" || route === "compare") await ask(page);
      expect([route, await overflow(page)]).toEqual([route, 0]);
    }
    const { page: fresh } = await open({ context: phone });
    await fresh.getByRole("heading", { name: "Add documents" }).waitFor();
    expect(await overflow(fresh)).toBe(0);
  });

  it("follows the system's theme until another is chosen, and remembers the choice", async () => {
    const { page } = await open({ context: { colorScheme: "dark" } });
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(await background()).toBe("rgb(21, 21, 19)");
    await page.getByRole("button", { name: "Theme: as the system" }).click();
    await page.getByRole("button", { name: "Theme: light" }).waitFor();
    expect(await background()).toBe("rgb(250, 249, 245)");
    await page.reload();
    await page.getByRole("button", { name: "Theme: light" }).waitFor();
    expect(await background()).toBe("rgb(250, 249, 245)");
  });

  it("moves nothing where less motion is asked for", async () => {
    const world = { ...filledWorld(2), answerOf: () => [" Slowly", "hold"] };
    const { page } = await open({ world, context: { reducedMotion: "reduce" } });
    await page.getByLabel("Your question").fill("Who?");
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText("Slowly").waitFor();
    expect(await page.evaluate("document.getAnimations().length")).toBe(0);
  });

  it("does not jump while an answer comes", async () => {
    const { page } = await open({ world: filledWorld(3) });
    await page.getByLabel("Your question").waitFor();
    await page.evaluate(`globalThis.shift = 0;
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) globalThis.shift += entry.value; })
        .observe({ type: "layout-shift", buffered: false })`);
    await ask(page);
    expect(z.number().parse(await page.evaluate("globalThis.shift"))).toBeLessThan(0.05);
  });

  it("leads the focus to a page that was chosen, and names it", async () => {
    const { page } = await open({ world: filledWorld(1) });
    await page.getByRole("link", { name: "Compare" }).click();
    await page.getByRole("heading", { level: 1, name: "Compare" }).waitFor();
    expect(await page.evaluate("document.activeElement.tagName")).toBe("MAIN");
    expect(await page.title()).toBe("Compare · prag");
    expect(await page.getByRole("link", { name: "Compare" }).getAttribute("aria-current")).toBe("page");
  });
});
