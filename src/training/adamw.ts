/** Settings of AdamW, in PyTorch's names and with its defaults. */
export interface AdamWOptions {
  learningRate: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  weightDecay?: number;
}

/** Running means of a parameter's gradient and of its square. */
export interface Moments {
  mean: Float32Array;
  square: Float32Array;
}

/** AdamW (Loshchilov & Hutter 2019) with decoupled weight decay, in the order of operations of `torch.optim.AdamW`. */
export class AdamW {
  readonly #options: Required<AdamWOptions>;
  readonly #moments = new Map<Float32Array, Moments>();
  #steps = 0;

  constructor(options: AdamWOptions) {
    this.#options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, ...options };
  }

  /** Made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** One update of all parameters, in place; `learningRateFactor` follows a schedule. */
  step(parameters: readonly { value: Float32Array; gradient: Float32Array }[], learningRateFactor = 1): void {
    this.#steps++;
    const { learningRate, beta1, beta2 } = this.#options;
    const rate = learningRate * learningRateFactor;
    const stepSize = rate / (1 - beta1 ** this.#steps);
    const squareCorrection = Math.sqrt(1 - beta2 ** this.#steps);
    for (const { value, gradient } of parameters) {
      const { mean, square } = this.momentsOf(value);
      this.#update({ value, gradient, mean, square }, { rate, stepSize, squareCorrection });
    }
  }

  /** Goes on where another optimiser stood after so many steps, with its moments of each parameter. */
  restore(steps: number, moments: Iterable<readonly [Float32Array, Moments]>): void {
    this.#steps = steps;
    for (const [value, { mean, square }] of moments) this.#moments.set(value, { mean, square });
  }

  /** With the parameters and the number of steps, all that the next step depends on. */
  momentsOf(value: Float32Array): Moments {
    let moments = this.#moments.get(value);
    if (!moments) {
      moments = { mean: new Float32Array(value.length), square: new Float32Array(value.length) };
      this.#moments.set(value, moments);
    }
    return moments;
  }

  #update(
    { value, gradient, mean, square }: Record<"value" | "gradient" | "mean" | "square", Float32Array>,
    { rate, stepSize, squareCorrection }: { rate: number; stepSize: number; squareCorrection: number },
  ): void {
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    const keep = 1 - rate * weightDecay;
    for (let i = 0; i < value.length; i++) {
      const g = gradient[i]!;
      const m = mean[i]! + (g - mean[i]!) * (1 - beta1);
      const s = square[i]! * beta2 + g * g * (1 - beta2);
      mean[i] = m;
      square[i] = s;
      value[i] = value[i]! * keep - (stepSize * m) / (Math.sqrt(s) / squareCorrection + epsilon);
    }
  }
}
