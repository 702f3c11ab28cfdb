/** Details of the engine's errors in the words of this package: options and methods are called as they are here. */

const names = new Map([['vault.rotate', 'rotateMasterKey']]);
// Conditions of prices are called so too, and keep their names.
const CONDITIONS = new Set(['service_tier', 'time_zone']);
// What stands in quotation marks is the caller's own, and what follows `conditions` is data.
const WORDS = /"(?:[^"\\]|\\.)*"|\bconditions\b[\w.[\]]*|\bvault\.rotate\b|(?<!\w)[a-z]+(?:_[a-z0-9]+)+(?!\w)/g;

/** Remembers how an option or a method is called here that the engine calls otherwise. */
export function rememberName(wire: string, name: string): void {
  if (wire !== name && !CONDITIONS.has(wire)) {
    names.set(wire, name);
  }
}

/** Rewrites the names of options and methods in a detail. */
export function inOurWords(detail: string): string {
  return detail.replace(WORDS, (word) => names.get(word) ?? word);
}
