// Prints the plain closing line of a test run, from the JSON report that `npm test` leaves.
import { readFileSync } from "node:fs";

const report = JSON.parse(readFileSync(new URL("../.vitest/report.json", import.meta.url), "utf8"));
const { numPassedTests, numFailedTests, numPendingTests, success } = report;
// A file that could not even be loaded counts as a failure.
const failed = numFailedTests + (success || numFailedTests > 0 ? 0 : 1);
console.log(`${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped`);
process.exit(failed === 0 && numPassedTests > 0 ? 0 : 1);
