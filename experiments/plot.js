// Draws a Vega-Lite chart into an SVG file.

import * as vega from "vega";
import { compile } from "vega-lite";
import { writeAtomic } from "../dist/base/files.js";

/** Colours that stay apart for colour-blind readers and on grey paper (Okabe and Ito). */
export const colours = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#999999",
  "#f0e442",
];

export async function writeSvg(path, spec) {
  const config = { background: "white", font: "sans-serif", range: { category: colours }, ...spec.config };
  const view = new vega.View(vega.parse(compile({ ...spec, config }).spec), { renderer: "none" });
  await writeAtomic(path, `${await view.toSVG()}\n`);
  view.finalize();
}
