import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { incompleteBeta, logGamma, tailOfStudent } from "./student.ts";

const close = (got: number, wanted: number, tolerance = 1e-12) =>
  expect(Math.abs(got - wanted), `${got} against ${wanted}`).toBeLessThanOrEqual(
    tolerance * Math.abs(wanted) + 1e-15,
  );

describe("logGamma", () => {
  it("is the logarithm of the factorial, and of √π at a half", () => {
    let factorial = 1;
    for (let n = 1; n <= 25; n++) {
      close(Math.exp(logGamma(n)), factorial, 1e-11);
      factorial *= n;
    }
    close(logGamma(0.5), Math.log(Math.sqrt(Math.PI)));
  });

  it("keeps Γ(x + 1) = x Γ(x)", () => {
    const random = new Random(1);
    for (let i = 0; i < 200; i++) {
      const x = 0.01 + 40 * random.next();
      close(Math.exp(logGamma(x + 1) - logGamma(x)), x, 1e-11);
    }
  });
});

describe("incompleteBeta", () => {
  const random = new Random(2);
  const draws = Array.from(
    { length: 200 },
    () => [random.next(), 1 + random.int(12), 1 + random.int(12)] as const,
  );

  it("is the tail of a binomial distribution for whole numbers", () => {
    for (const [x, a, b] of draws) {
      const n = a + b - 1;
      let [tail, choose] = [0, 1];
      for (let k = 0; k <= n; k++) {
        if (k >= a) tail += choose * x ** k * (1 - x) ** (n - k);
        choose = (choose * (n - k)) / (k + 1);
      }
      close(incompleteBeta(x, a, b), tail, 1e-10);
    }
  });

  it("is symmetric, monotone and arcsine at one half", () => {
    for (const [x, a, b] of draws) {
      close(incompleteBeta(x, a / 2, b / 2) + incompleteBeta(1 - x, b / 2, a / 2), 1, 1e-11);
      expect(incompleteBeta(x, a, b)).toBeLessThanOrEqual(incompleteBeta(Math.min(1, x + 0.01), a, b));
      close(incompleteBeta(x, 0.5, 0.5), (2 / Math.PI) * Math.asin(Math.sqrt(x)), 1e-11);
    }
    expect([incompleteBeta(0, 2, 3), incompleteBeta(1, 2, 3)]).toEqual([0, 1]);
  });
});

describe("tailOfStudent", () => {
  it("is Cauchy's with one degree of freedom, and closed with two", () => {
    for (const t of [0, 0.1, 0.7, 1, 2.5, 40, 1e5]) {
      close(tailOfStudent(t, 1), 1 - (2 / Math.PI) * Math.atan(t), 1e-9);
      close(tailOfStudent(-t, 2), 1 - t / Math.sqrt(2 + t * t), 1e-4);
    }
  });

  it.each([
    [12.706205, 1],
    [2.228139, 10],
    [2.042272, 30],
    [1.983972, 100],
    [1.962339, 1000],
  ])("has 5 %% beyond the table's %d for %d degrees of freedom", (t, degrees) => {
    close(tailOfStudent(t, degrees), 0.05, 1e-5);
  });
});
