/** Where this module is, and how modules that come with Node are loaded; a bundle may be either kind of module. */

import type * as moduleOfNode from 'node:module';
import type * as pathOfNode from 'node:path';

interface Place {
  /** The address of the module, where it was loaded as an ES module: there is no `__filename` in a bundle of that kind. */
  url?: string;
}

export const place: Place = {};

/** Loads a module of Node. A bundler makes `require` of an ES module's bundle fail, and leaves this alone. */
export function builtin<Module>(id: `node:${string}`): Module {
  // Node 20.16 is the first that has it.
  const load: ((name: string) => unknown) | undefined = process.getBuiltinModule;
  return (load === undefined ? require(id) : load(id)) as Module;
}

/** Returns the path or address of this module, or of the bundle that it became a part of. */
function location(): string {
  if (place.url !== undefined) {
    return place.url;
  }
  const { resolve } = builtin<typeof pathOfNode>('node:path');
  return typeof __filename === 'string' ? __filename : resolve(process.argv[1] ?? 'program.js');
}

/** Returns a `require` that searches from this module's folder, or from the bundle's. */
export function requireFromHere(): NodeJS.Require {
  return builtin<typeof moduleOfNode>('node:module').createRequire(location());
}
