/** What the declarations of the package say. */

import { readFileSync } from 'node:fs';

/** Returns the fields of each interface of some declaration files, inherited ones included. */
export function fieldsOf(...paths: readonly string[]): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const path of paths) {
    const text = readFileSync(path, 'utf8');
    for (const [, name = '', parent, body = ''] of text.matchAll(
      /export interface (\w+)(?: extends (\w+))? \{\n(.*?)\n\}/gs,
    )) {
      const own = [...body.matchAll(/^ {4}readonly (\w+)\??:/gm)].map(([, field = '']) => field);
      found.set(name, [...(found.get(parent ?? '') ?? []), ...own]);
    }
  }
  return found;
}
