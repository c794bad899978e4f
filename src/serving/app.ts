import { Hono } from "hono";
import { routePath } from "hono/route";
import { addAskingRoutes } from "./asking-routes.ts";
import { isEventStream, onBodyEnd } from "./events.ts";
import { describeFailure, RequestError } from "./failures.ts";
import { addPageRoutes, addReportRoutes } from "./file-routes.ts";
import { checkKey, checkNames, securityHeaders } from "./guard.ts";
import { addNativeRoutes } from "./native-routes.ts";
import { addOpenAiRoutes } from "./openai-routes.ts";
import { ReportTickets } from "./report-tickets.ts";
import { addRoute } from "./routes.ts";
import { checkOpen, type Services } from "./services.ts";

/** All routes of the server, with their guards. */
export function createApp(services: Services): Hono {
  const { options, engines, metrics, clock, onBug, closing } = services;
  const app = new Hono();
  app.onError((error) => {
    const { status, body, headers } = describeFailure(error, onBug);
    return Response.json(body, { status, headers });
  });
  app.notFound((c) => {
    throw new RequestError(404, `there is no ${c.req.method} ${c.req.path.slice(0, 200)}`);
  });
  app.use(securityHeaders);
  app.use(async (c, next) => {
    const start = clock();
    await next();
    const labels = { route: routePath(c, -1), status: c.res.status };
    const observe = () => metrics.request(labels, (clock() - start) / 1000);
    if (isEventStream(c.res)) c.res = onBodyEnd(c.res, observe);
    else observe();
  });
  app.use(checkNames(options));
  const key = checkKey(options.apiKey);
  const tickets = new ReportTickets(engines.main.now);
  app.use("/api/*", async (c, next) => (tickets.admitsRequest(c) ? next() : key(c, next)));
  app.use("/v1/*", key);
  if (options.host !== "127.0.0.1" && options.host !== "localhost") app.use("/metrics", key);
  addRoute(app, "/healthz", {
    GET: (c) => (closing.aborted ? c.json({ status: "closing" }, 503) : c.json({ status: "ok" })),
  });
  app.use(async (_context, next) => {
    checkOpen(closing);
    await next();
  });
  addRoute(app, "/metrics", {
    GET: async (c) => {
      const { body, contentType } = await metrics.text();
      return c.body(body, 200, { "Content-Type": contentType });
    },
  });
  addOpenAiRoutes(app, services);
  addNativeRoutes(app, services);
  addAskingRoutes(app, services);
  addReportRoutes(app, services, tickets);
  addPageRoutes(app, services);
  return app;
}
