import { describe, expect, it } from "vitest";
import type { Job } from "../api/wire.ts";
import { endedIds, type JobsAction, type JobView, jobsReducer, nextToFollow } from "./jobs.ts";

const job = (id: string, change: Partial<Job> = {}): Job => ({
  id,
  kind: "encode",
  collection: "default",
  isBackground: false,
  state: "running",
  progress: null,
  losses: [],
  error: null,
  ...change,
});
const fold = (...actions: JobsAction[]) => actions.reduce<JobView[]>(jobsReducer, []);
const changed = (id: string, change: Partial<Job>): JobsAction => ({ type: "changed", job: job(id, change) });

describe("jobsReducer", () => {
  it("takes new jobs first and changed ones in their place", () => {
    const views = fold(changed("1", {}), changed("2", {}), changed("1", { state: "done" }));
    expect(views.map(({ id, state }) => [id, state])).toEqual([
      ["2", "running"],
      ["1", "done"],
    ]);
  });

  it("grows a curve, and begins another with the next passages", () => {
    const [view] = fold(
      changed("1", { losses: [3] }),
      changed("1", { losses: [3, 2, 1] }),
      changed("1", { losses: [] }),
      changed("1", { losses: [2.5] }),
      changed("1", { losses: [2.5, 1.5] }),
    );
    expect(view?.curves).toEqual([
      [3, 2, 1],
      [2.5, 1.5],
    ]);
  });

  it("keeps the last curves only", () => {
    const many = Array.from({ length: 40 }, (_, i) => changed("1", { losses: [i + 1] }));
    expect(fold(...many)[0]?.curves).toHaveLength(24);
  });

  it("keeps curves over a list, and does not bring back what has ended", () => {
    const [view] = fold(changed("1", { losses: [3, 2] }), changed("1", { state: "done", losses: [3, 2] }), {
      type: "listed",
      jobs: [job("1", { losses: [3] })],
      known: ["1"],
    });
    expect(view).toMatchObject({ state: "done", curves: [[3, 2]] });
  });

  it("keeps a job that was started while the list was on its way, and none that the server has forgotten", () => {
    const views = fold(changed("1", {}), changed("2", {}), changed("3", {}), {
      type: "listed",
      jobs: [job("1")],
      known: ["1", "2"],
    });
    expect(views.map(({ id }) => id)).toEqual(["3", "1"]);
  });

  it("tells which have ended, but for those that nobody asked for", () => {
    const views = fold(
      changed("1", { state: "done" }),
      changed("2", { state: "done", isBackground: true }),
      changed("3", {}),
    );
    expect(endedIds(views)).toEqual(["1"]);
  });

  it("follows the job that runs, or the one whose turn is next", () => {
    const waiting = fold(changed("1", { state: "waiting" }), changed("2", { state: "waiting" }));
    expect(nextToFollow(waiting)).toBe("1");
    expect(nextToFollow(jobsReducer(waiting, changed("2", { state: "running" })))).toBe("2");
    expect(nextToFollow(fold(changed("1", { state: "done" })))).toBeUndefined();
  });
});
