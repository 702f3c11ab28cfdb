/** What reranking sends to the engine. */

import { RERANK_PARAMETERS } from './arguments/rerank.js';
import type { ChatArguments } from './chat.js';
import { invalid } from './errors.js';
import { kindOf } from './names.js';
import { wholeArguments, wholeNames } from './whole.js';

const NAMES = wholeNames('rerank()', RERANK_PARAMETERS, {
  query: 'is the first argument',
  documents: 'is the second argument',
  topK: 'is topN here',
});

/** Reads the arguments of a reranking. */
export function rerankArguments(query: string, documents: readonly string[], options: unknown): ChatArguments {
  if (!Array.isArray(documents)) {
    throw invalid(`rerank(): documents must be an array of strings, not ${kindOf(documents)}`);
  }
  return wholeArguments({ query, documents }, options, NAMES, 'rerank()');
}
