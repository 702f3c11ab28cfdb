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

/** Writes a value that has a name. */
export type Write = (value: never, name: string) => unknown;

/** What writes each of some fields. */
export type Fields = Readonly<Record<string, Write>>;

/** Names of a function's options, by what the engine calls them. */
export class OptionNames {
  readonly #wire: ReadonlyMap<string, string>;
  readonly #fields: Fields;

  /** Options are named with what writes each, or alone where all are written as they are. */
  constructor(
    private readonly owner: string,
    options: Fields | readonly string[],
    private readonly elsewhere: Readonly<Record<string, string>> = {},
    private readonly hint = '',
  ) {
    const names: readonly string[] = Array.isArray(options) ? options : Object.keys(options);
    this.#fields = Array.isArray(options) ? {} : (options as Fields);
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
   * What is undefined or null was not given. An error about a value calls it as `called` says.
   */
  read(options: unknown, owner = this.owner, called = (name: string): string => name): Record<string, unknown> {
    return this.#read(options, owner, called, undefined);
  }

  /** Returns the options that were given, where null says that something is removed; refuses it of what cannot be. */
  changes(options: unknown, removable: readonly string[]): Record<string, unknown> {
    return this.#read(options, this.owner, (name) => name, removable);
  }

  #read(
    options: unknown,
    owner: string,
    called: (name: string) => string,
    removable: readonly string[] | undefined,
  ): Record<string, unknown> {
    if (options === undefined) {
      return {};
    }
    const fields: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(checkObject(options, `the options of ${owner}`, '{}'))) {
      const wire = this.#wire.get(name);
      if (value === undefined || (value === null && removable === undefined && wire !== undefined)) {
        continue;
      }
      if (wire === undefined) {
        throw this.#unknown(name, owner);
      }
      if (value === null && removable?.includes(name) === false) {
        throw invalid(`${owner} cannot set ${name} to null; leave it out, or give a value`);
      }
      const write = this.#fields[name];
      fields[wire] = write === undefined || value === null ? value : write(value as never, called(name));
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
