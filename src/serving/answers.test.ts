import { describe, expect, it } from "vitest";
import { findTarget } from "./answers.ts";
import { RequestError } from "./failures.ts";

const over = (model: string) => ({
  engines: {
    main: { model: async () => ({ name: model }), config: { collection: "default" } },
    names: async () => ["default", "manuals"],
  },
});

describe("who is meant by a model's id", () => {
  it("is the base model, a method, or a method over a collection", async () => {
    const target = (id: string) => findTarget(over("tiny"), id, undefined);
    expect(await target("tiny")).toEqual({ model: "tiny", method: undefined, collection: "default" });
    expect(await target("combine")).toMatchObject({ method: "combine", collection: "default" });
    expect(await target("prag@manuals")).toMatchObject({ method: "prag", collection: "manuals" });
    for (const id of ["other", "tiny@manuals", "prag@nothing", "prag@manuals@x", ""])
      await expect(target(id), id).rejects.toThrow(RequestError);
  });

  it("is also a base model that was named with a revision", async () => {
    const named = over("Qwen2.5-0.5B-Instruct@main");
    const model = "Qwen2.5-0.5B-Instruct@main";
    expect(await findTarget(named, model, undefined)).toMatchObject({ model, method: undefined });
    expect(await findTarget(named, `${model}@manuals`, "prag")).toMatchObject({
      method: "prag",
      collection: "manuals",
    });
    await expect(findTarget(named, "Qwen2.5-0.5B-Instruct", undefined)).rejects.toThrow(RequestError);
  });
});
