/** Which sessions the code that runs is in. */

import type * as hooksOfNode from 'node:async_hooks';
import type * as pathOfNode from 'node:path';

import { invalid } from './errors.js';
import { builtin } from './place.js';

const { AsyncLocalStorage } = builtin<typeof hooksOfNode>('node:async_hooks');
const { resolve } = builtin<typeof pathOfNode>('node:path');

/** A session whose block is running, or was. */
export interface Block {
  readonly file: string;
  readonly path: readonly string[];
  hasEnded: boolean;
}

const blocks = new AsyncLocalStorage<readonly Block[]>();

/** Runs a function in a session, and ends the session, for what goes on in it elsewhere too. */
export async function runIn<Result>(
  file: string,
  path: readonly string[],
  run: () => Result | Promise<Result>,
): Promise<Result> {
  const block: Block = { file: resolve(file), path, hasEnded: false };
  try {
    return await blocks.run([...(blocks.getStore() ?? []), block], run);
  } finally {
    block.hasEnded = true;
  }
}

/** Returns the ids of the sessions of a file that this code is in, from the outermost in; throws if one of them has ended. */
export function pathIn(file: string): readonly string[] {
  const running = blocks.getStore();
  if (running === undefined) {
    return [];
  }
  const own = running.filter((block) => block.file === resolve(file));
  const ended = own.find((block) => block.hasEnded);
  if (ended !== undefined) {
    throw invalid(
      `the session "${ended.path.at(-1) ?? ''}" has ended, and nothing caps what is left of it; ` +
        'wait for its promises inside its block',
    );
  }
  return own.at(-1)?.path ?? [];
}

/** Returns the arguments of a call with the sessions that it is made in among its options. */
export function withSessions(
  file: string,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const options = values['options'] as { readonly sessions?: readonly string[] } | undefined;
  if (blocks.getStore() === undefined || options === undefined) {
    return values;
  }
  const path = pathIn(file);
  const named = options.sessions ?? [];
  if (path.every((id, depth) => named[depth] === id)) {
    return values;
  }
  if (named.length > 0) {
    throw invalid(
      `sessions is ${JSON.stringify(named)} in the block of the session ${JSON.stringify(path)}; leave it out`,
    );
  }
  return { ...values, options: { ...options, sessions: path } };
}
