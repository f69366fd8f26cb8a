import {
  parseRecord,
  type EndRecord,
  type Sample,
  type SampleRecord,
  type StartRecord,
  type StepRecord,
} from "./sampleSchema.ts";

/** A line that could not be used. */
export interface LineProblem {
  /** From 1. */
  line: number;
  problem: string;
  /** The beginning of the line, as a JSON string, so that no control character shows. */
  excerpt: string;
}

/** What a samples file holds so far. */
export interface SampleFile {
  start: StartRecord | null;
  samples: Sample[];
  /** The last step that was finished. */
  progress: StepRecord | null;
  /** All of them, in order. */
  steps: StepRecord[];
  end: EndRecord | null;
  /** Whole lines that are no good; the rest of the file counts nevertheless. */
  problems: LineProblem[];
  /** A last line without its newline: cut off while it was written, as after a kill, and not used. */
  partial: LineProblem | null;
}

const EXCERPT = 80;

/**
 * Reads samples.jsonl piece by piece, as it grows or comes over the wire; pieces may end anywhere in a line.
 * `file` is up to date after each push.
 */
export class SamplesReader {
  readonly file: SampleFile = {
    start: null,
    samples: [],
    progress: null,
    steps: [],
    end: null,
    problems: [],
    partial: null,
  };
  #pending = "";
  #line = 0;
  /** `id pair` of the samples seen. */
  readonly #seen = new Set<string>();

  push(text: string): void {
    let from = 0;
    for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
      this.#line++;
      this.#take(this.#pending + text.slice(from, to));
      this.#pending = "";
      from = to + 1;
    }
    this.#pending += text.slice(from);
  }

  /** Says that nothing follows. */
  finish(): SampleFile {
    if (this.#pending !== "") {
      this.file.partial = this.#problem(this.#line + 1, "cut off", this.#pending);
    }
    return this.file;
  }

  #take(line: string): void {
    const record = parseRecord(line);
    const problem = "problem" in record ? record.problem : this.#place(record);
    if (problem !== null) this.file.problems.push(this.#problem(this.#line, problem, line));
  }

  /** Files a record; says what is wrong where it does not fit what came before. */
  #place(record: SampleRecord): string | null {
    const { file } = this;
    if (record.type === "start") {
      if (file.start !== null) return "a second start line";
      file.start = record;
    } else if (file.end !== null) {
      return "follows the end line";
    } else if (record.type === "step") {
      file.progress = record;
      file.steps.push(record);
    } else if (record.type === "end") {
      file.end = record;
    } else {
      const key = `${record.id} ${record.pair}`;
      if (this.#seen.has(key)) return `a second sample of step ${record.id}, pair ${record.pair}`;
      this.#seen.add(key);
      file.samples.push(record);
    }
    return null;
  }

  #problem(line: number, problem: string, text: string): LineProblem {
    return { line, problem, excerpt: JSON.stringify(text.slice(0, EXCERPT)) };
  }
}

/** Reads a whole samples file from pieces of text, such as a stream with encoding `utf8`. */
export async function readSamples(
  pieces: AsyncIterable<string> | Iterable<string>,
): Promise<SampleFile> {
  const reader = new SamplesReader();
  for await (const piece of pieces) reader.push(piece);
  return reader.finish();
}
