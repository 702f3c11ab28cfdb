/** Sessions: blocks of calls that are capped as a whole. */

import { SESSION_OPTIONS } from './arguments/sessions.js';
import { pathIn, runIn } from './current.js';
import type { Engine } from './engine.js';
import { ClosedError } from './errors.js';
import { OptionNames } from './names.js';
import type { Session } from './results.js';
import type { SessionOptions } from './types.js';

const OPEN = new OptionNames('session()', SESSION_OPTIONS);

/**
 * Opens a session, runs a block in it, and ends it.
 *
 * @internal
 */
export async function session<Result>(
  engine: Engine,
  options: SessionOptions,
  block: (session: Session) => Result | Promise<Result>,
): Promise<Result> {
  const terms = OPEN.read(options);
  const opened = await engine.run('sessions.open', { within: pathIn(engine.path), ...terms });
  try {
    return await runIn(engine.path, opened.path, () => block(opened));
  } finally {
    // Nobody else can know a session without a name; its limits end with it.
    if (terms['id'] === undefined && opened.budgetIds.length > 0) {
      await engine.run('sessions.close', { path: opened.path }).catch((error: unknown) => {
        // The file was closed in the block; no call can be made any more.
        if (!(error instanceof ClosedError)) {
          throw error;
        }
      });
    }
  }
}
