/** Names as they cross: camelCase here, snake_case in the engine. Names that are data keep theirs. */

import { invalid } from './errors.js';
import { rememberName } from './wording.js';

/** Writes a name of the engine as JavaScript writes names. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Writes a name of JavaScript as the engine writes names. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Names of a function's options, by what the engine calls them. */
export class OptionNames {
  readonly #wire: ReadonlyMap<string, string>;

  constructor(
    private readonly owner: string,
    names: readonly string[],
    private readonly elsewhere: Readonly<Record<string, string>> = {},
    private readonly hint = '',
  ) {
    this.#wire = new Map(names.map((name) => [name, snakeCase(name)]));
    for (const [name, wire] of this.#wire) {
      rememberName(wire, name);
    }
  }

  /** Returns whether a name of the engine is that of one of the options. */
  hasWireName(name: string): boolean {
    return this.#wire.has(camelCase(name));
  }

  /**
   * Returns the options that were given, by the engine's names; refuses a name that is not known.
   *
   * What is undefined was not given; null neither, unless it is kept.
   */
  read(options: unknown, owner = this.owner, keepNull = false): Record<string, unknown> {
    if (options === undefined) {
      return {};
    }
    const fields: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(checkObject(options, `the options of ${owner}`, '{}'))) {
      if (value === undefined || (value === null && !keepNull && this.#wire.has(name))) {
        continue;
      }
      const wire = this.#wire.get(name);
      if (wire === undefined) {
        throw this.#unknown(name, owner);
      }
      fields[wire] = value;
    }
    return fields;
  }

  #unknown(name: string, owner: string): Error {
    const elsewhere = Object.hasOwn(this.elsewhere, name) ? this.elsewhere[name] : undefined;
    if (elsewhere !== undefined) {
      return invalid(`${owner} has no option "${name}", which ${elsewhere}`);
    }
    const camel = camelCase(name);
    if (camel !== name && this.#wire.has(camel)) {
      return invalid(`${owner} has no option "${name}", which is ${camel} here`);
    }
    const known = [...this.#wire.keys()].sort();
    const near = nearest(name, known);
    const meant = near === undefined ? '' : `; did you mean "${near}"?`;
    return invalid(`${owner} got the unknown option "${name}"; known are ${known.join(', ')}${this.hint}${meant}`);
  }
}

/** Returns the known name that is the fewest letters away from one that is not known; none if it is too far. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((each) => ({ each, distance: distance(name.toLowerCase(), each.toLowerCase()) }));
  const first = ranked.sort((left, right) => left.distance - right.distance)[0];
  return first !== undefined && first.distance <= Math.max(1, Math.floor(name.length / 3)) ? first.each : undefined;
}

/** Counts the letters to add, leave out or change that lie between two texts. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, place) => place);
  for (const [place, letter] of [...from].entries()) {
    const next = [place + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const changed = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** Returns a value that must be an object with names; the error shows the example. */
export function checkObject(value: unknown, name: string, example: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date || isOpaque(value)) {
    const wayOut = value instanceof Promise ? '; await it first' : '';
    throw invalid(`${name} must be an object such as ${example}, not ${kindOf(value)}${wayOut}`);
  }
  return value as Record<string, unknown>;
}

/** Returns whether an object's content is not in its fields, so that it would be taken for an empty one. */
export function isOpaque(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Promise ||
    value instanceof RegExp ||
    value instanceof Error
  );
}

/** Returns what kind of value something is, for people; never the value, which may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return 'an array';
  }
  return typeof value === 'object' ? (value.constructor?.name ?? 'Object') : typeof value;
}
