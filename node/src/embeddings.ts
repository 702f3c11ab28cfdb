/** What embedding sends to the engine. */

import { EMBED_PARAMETERS } from './arguments/embeddings.js';
import type { ChatArguments } from './chat.js';
import { invalid } from './errors.js';
import { kindOf } from './names.js';
import { wholeArguments, wholeNames } from './whole.js';

const NAMES = wholeNames('embed()', EMBED_PARAMETERS, { input: 'is the first argument' });

/** Reads the arguments of an embedding. */
export function embedArguments(input: string | readonly string[], options: unknown): ChatArguments {
  if (typeof input !== 'string' && !Array.isArray(input)) {
    throw invalid(`embed(): input must be a string or an array of strings, not ${kindOf(input)}`);
  }
  return wholeArguments({ input }, options, NAMES, 'embed()');
}
