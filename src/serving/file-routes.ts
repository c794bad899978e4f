import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { Hono } from "hono";
import { z } from "zod";
import type { ReportRow } from "../engine/api.ts";
import { RequestError } from "./failures.ts";
import { readJsonBody } from "./read-body.ts";
import type { ReportTickets } from "./report-tickets.ts";
import { addRoute } from "./routes.ts";
import { bodyLimits, type Services } from "./services.ts";

/** A report is a page by itself: its styles and pictures are in it, and nothing of it runs. */
const reportPolicy =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

/** Folders below the folder of runs that are looked into. */
const deepestReport = 3;

const ticketBody = z.strictObject({ path: z.string().min(1).max(4096) });

/** Adds the reports of evaluations. */
export function addReportRoutes(app: Hono, services: Services, tickets: ReportTickets): void {
  const { options } = services;
  addRoute(app, "/api/reports", {
    GET: async (c) => c.json({ reports: await listReports(options.reportsFolder) }),
  });
  addRoute(app, "/api/report-tickets", {
    POST: async (c) => {
      const { path } = await readJsonBody(c.req.raw, ticketBody, bodyLimits(services));
      return c.json({ ticket: tickets.issue(path) }, 201);
    },
  });
  addRoute(app, "/api/reports/:path{.+}", {
    GET: async (c) => {
      const path = await fileWithin(options.reportsFolder, c.req.param("path") ?? "");
      if (!path || extname(path) !== ".html") throw new RequestError(404, "there is no such report");
      return new Response(await readFile(path), {
        headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": reportPolicy },
      });
    },
  });
}

async function listReports(folder: string): Promise<ReportRow[]> {
  const rows: ReportRow[] = [];
  const look = async (at: string, depth: number): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < deepestReport) await look(path, depth + 1);
      if (!entry.isFile() || extname(entry.name) !== ".html") continue;
      const { size, mtimeMs } = await stat(path);
      rows.push({ path: relative(folder, path).split(sep).join("/"), bytes: size, modifiedMs: mtimeMs });
    }
  };
  await look(folder, 1);
  return rows.sort((a, b) => b.modifiedMs - a.modifiedMs);
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".map": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};

/** Adds the page: its index at the root, since its pages are told apart by hash, and its files. */
export function addPageRoutes(app: Hono, { options }: Services): void {
  app.get("*", async (c) => {
    const { pathname } = new URL(c.req.url);
    if (/^\/(api|v1)(\/|$)/.test(pathname))
      throw new RequestError(404, `there is no ${pathname.slice(0, 200)}`);
    const path = await fileWithin(options.pageFolder, decode(pathname.slice(1)) || "index.html");
    if (!path && pathname === "/") return c.text(notBuilt, 200);
    const type = path && types[extname(path)];
    if (!type) throw new RequestError(404, `there is no ${pathname.slice(0, 200)}; the page is at /`);
    const isHashed = pathname.startsWith("/assets/");
    const cache = isHashed ? "public, max-age=31536000, immutable" : "no-cache";
    return new Response(await readFile(path), { headers: { "Content-Type": type, "Cache-Control": cache } });
  });
}

const notBuilt =
  'The page is not built. In a checkout, "npm run build" makes it; the package from npm has it.\nThe routes /api and /v1 are there: see docs/api.md.\n';

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RequestError(400, "the path is not well-formed");
  }
}

/** A regular file below a folder; nothing that a link or `..` leads to counts. */
async function fileWithin(folder: string, path: string): Promise<string | undefined> {
  if (path.includes("\0") || path.includes("\\")) return undefined;
  try {
    const root = await realpath(folder);
    const full = join(root, path);
    if (!full.startsWith(root + sep) || (await realpath(full)) !== full) return undefined;
    return (await lstat(full)).isFile() ? full : undefined;
  } catch {
    return undefined;
  }
}
