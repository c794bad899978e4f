/** A source text as it was ingested: one file, or one record of a JSONL, CSV or TSV file. */
export interface Document {
  /** Content hash of source, title and text (hex). */
  id: string;
  /** Path relative to the base folder of the ingest, with `#record` for a record of a table. */
  source: string;
  title: string;
  text: string;
}

/** A chunk of a document, about 100 words: what is retrieved, and what one adapter stands for. */
export interface Passage {
  /** Content hash of title and text (hex): the same passage has the same id wherever it stands. */
  id: string;
  documentId: string;
  title: string;
  text: string;
  /** Place in its document, from 0. */
  position: number;
}

/** A question that a passage answers. */
export interface QuestionAnswer {
  question: string;
  answer: string;
  /** The answer as a sentence of its own, where the augmenter gave one. */
  fullAnswer?: string | undefined;
}

/** A passage with what augmentation made of it: the training material of one adapter. */
export interface AugmentedPassage {
  passage: Passage;
  rewrites: string[];
  pairs: QuestionAnswer[];
  /** Who made it: `rule`, `authored`, or the name of a model. */
  augmenter: string;
}
