import type { Command } from "commander";
import { examine } from "../../engine/doctor.ts";
import { exitCodes } from "../exit-codes.ts";
import { ReportedFailure } from "../failure.ts";
import { addExamples } from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";

/** `prag doctor`: whether everything works here. */
export function addDoctor(program: Command, shell: Shell): void {
  const command = program
    .command("doctor")
    .description("Check whether everything works on this machine, from Node.js to a generated token.")
    .action((_options: unknown, self: Command) =>
      withEngine(shell, { command: self }, async (context) => {
        const findings = await examine(context.parts);
        const ok = findings.every((finding) => finding.ok);
        const { terminal } = context;
        const width = Math.max(...findings.map(({ name }) => name.length));
        context.print({ ok, findings }, () =>
          findings.map((finding) => {
            const mark = finding.ok ? terminal.style("green", "ok    ") : terminal.style("red", "failed");
            return `${mark}  ${finding.name.padEnd(width)}  ${finding.detail}`;
          }),
        );
        if (!ok) throw new ReportedFailure(exitCodes.unsupported);
      }),
    );
  addExamples(command, ["prag doctor", "prag doctor --device webgpu", "prag doctor --model org/name"]);
}
