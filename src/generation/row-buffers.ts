import type { Range, ResidentTensor, Runtime, View } from "../runtime/runtime.ts";

/** Numbers that every row of a batch has: `blocks` blocks of as many lines as the buffers have room for, `width` numbers each. */
export interface RowTensor {
  name: string;
  /** Where absent, there is one block, and no dimension for it. */
  blocks?: number;
  width: number;
}

/**
 * Resident tensors [rows, blocks, capacity, width], allocated for some rows and used for the first few: a view of the rows
 * in use is contiguous, so that rows join and leave without copying those that stay.
 */
export class RowBuffers {
  readonly #runtime: Runtime;
  readonly #tensors: readonly RowTensor[];
  #buffers: ResidentTensor[] = [];
  #rows = 0;
  #capacity = 0;

  constructor(runtime: Runtime, tensors: readonly RowTensor[]) {
    this.#runtime = runtime;
    this.#tensors = tensors;
  }

  /** Rows that there is room for. */
  get rows(): number {
    return this.#rows;
  }

  /** Lines of a block. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Makes room for so many rows and lines; keeps the first `used[row]` lines of each row's blocks. */
  async reserve(rows: number, capacity: number, used: readonly number[]): Promise<void> {
    if (rows === this.#rows && capacity === this.#capacity) return;
    const old = { buffers: this.#buffers, capacity: this.#capacity };
    const dims = this.#tensors.map((tensor) => dimsOf(tensor, rows, capacity));
    const buffers = await this.#runtime.allocate(dims);
    const copies = this.#tensors.flatMap((tensor, i) =>
      old.buffers[i] === undefined
        ? []
        : used.flatMap((lines, row) =>
            range(lines > 0 ? (tensor.blocks ?? 1) : 0).map((block) => ({
              from: lineRange(old.buffers[i]!, tensor, { row, block, lines, capacity: old.capacity }),
              to: lineRange(buffers[i]!, tensor, { row, block, lines, capacity }),
            })),
          ),
    );
    try {
      if (copies.length) await this.#runtime.copy(copies);
    } catch (error) {
      await Promise.all(buffers.map((buffer) => buffer.free()));
      throw error;
    }
    this.#buffers = buffers;
    this.#rows = rows;
    this.#capacity = capacity;
    await Promise.all(old.buffers.map((buffer) => buffer.free()));
  }

  /** Copies one row over another row: the first `lines` lines of each block, and perhaps more that mean nothing. */
  async move(from: number, to: number, lines: number): Promise<void> {
    const capacity = this.#capacity;
    // A row is one piece of memory. To name many small ranges to the worker takes longer than to copy twice as much.
    const isWhole = 2 * lines >= capacity;
    await this.#runtime.copy(
      this.#tensors.flatMap((tensor, i) => {
        const { blocks = 1 } = tensor;
        const place = { lines: isWhole ? blocks * capacity : lines, capacity };
        return range(isWhole ? 1 : blocks).map((block) => ({
          from: lineRange(this.#buffers[i]!, tensor, { row: from, block, ...place }),
          to: lineRange(this.#buffers[i]!, tensor, { row: to, block, ...place }),
        }));
      }),
    );
  }

  /** Writes rows of tensors without blocks; what `dataOf` does not give becomes zero. */
  async write(
    from: number,
    count: number,
    dataOf: (name: string, i: number) => Float32Array | undefined,
  ): Promise<void> {
    const empty = new Float32Array(0);
    const lines = this.#capacity;
    await this.#runtime.write(
      this.#tensors.flatMap((tensor, t) =>
        range(count).map((i) => ({
          to: lineRange(this.#buffers[t]!, tensor, { row: from + i, block: 0, lines, capacity: lines }),
          data: dataOf(tensor.name, i) ?? empty,
        })),
      ),
    );
  }

  /** Views of some rows, by name. */
  views(from: number, count: number): Record<string, View> {
    return Object.fromEntries(
      this.#tensors.map((tensor, i) => {
        const { offset } = lineRange(this.#buffers[i]!, tensor, {
          row: from,
          block: 0,
          lines: 0,
          capacity: this.#capacity,
        });
        const dims = dimsOf(tensor, count, this.#capacity);
        return [tensor.name, { handle: this.#buffers[i]!.handle, offset, dims }];
      }),
    );
  }

  async free(): Promise<void> {
    await Promise.all(this.#buffers.map((buffer) => buffer.free()));
    this.#buffers = [];
  }
}

function dimsOf({ blocks, width }: RowTensor, rows: number, capacity: number): number[] {
  return blocks === undefined ? [rows, capacity, width] : [rows, blocks, capacity, width];
}

function lineRange(
  { handle }: ResidentTensor,
  { blocks = 1, width }: RowTensor,
  { row, block, lines, capacity }: { row: number; block: number; lines: number; capacity: number },
): Range {
  return { handle, offset: (row * blocks + block) * capacity * width, length: lines * width };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
