/** A passage as it is indexed. */
export interface InputPassage {
  id: string;
  title: string;
  text: string;
}

/** `count` passages of invented and English words, the same ones on every machine. */
export function makePassages(count: number, seed?: number): InputPassage[];

/** `count` queries over the same vocabulary. */
export function makeQueries(count: number, seed?: number): string[];

/** The 500 strings that analyzers are compared on. */
export function makeStrings(): string[];
