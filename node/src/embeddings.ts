/** What embedding and reranking send to the engine. */

import { type ChatArguments, ENGINE_OPTIONS } from './chat.js';
import { invalid } from './errors.js';
import { checkObject, kindOf, OptionNames } from './names.js';
import { isSignal } from './signals.js';
import { given } from './values.js';

const CALL_NAMES = new OptionNames('the call', ENGINE_OPTIONS);
const HINT = '; pass fields that only some providers know in extra: {...}';
const EMBED_NAMES = new OptionNames(
  'embed()',
  ['model', 'dimensions', 'inputType', ...ENGINE_OPTIONS, 'extra', 'signal'],
  { input: 'is the first argument' },
  HINT,
);
const RERANK_NAMES = new OptionNames(
  'rerank()',
  ['model', 'topN', ...ENGINE_OPTIONS, 'extra', 'signal'],
  { query: 'is the first argument', documents: 'is the second argument', topK: 'is topN here' },
  HINT,
);

/** Reads the arguments of an embedding. */
export function embedArguments(input: string | readonly string[], options: unknown): ChatArguments {
  if (typeof input !== 'string' && !Array.isArray(input)) {
    throw invalid(`embed(): input must be a string or an array of strings, not ${kindOf(input)}`);
  }
  return read({ input }, options, EMBED_NAMES, 'embed()');
}

/** Reads the arguments of a reranking. */
export function rerankArguments(query: string, documents: readonly string[], options: unknown): ChatArguments {
  if (!Array.isArray(documents)) {
    throw invalid(`rerank(): documents must be an array of strings, not ${kindOf(documents)}`);
  }
  return read({ query, documents }, options, RERANK_NAMES, 'rerank()');
}

function read(
  own: Readonly<Record<string, unknown>>,
  given_: unknown,
  names: OptionNames,
  owner: string,
): ChatArguments {
  const { extra, signal, ...request } = names.read(given_, owner);
  if (signal !== undefined && !isSignal(signal)) {
    throw invalid(`${owner}: signal must be an AbortSignal, not ${kindOf(signal)}`);
  }
  const fields = extra === undefined ? {} : checkObject(extra, 'extra', "{ truncate: 'END' }");
  for (const name of Object.keys(fields)) {
    if (names.hasWireName(name) || name in own) {
      throw invalid(`extra holds "${name}", which ${owner} takes as an argument of its own; pass it there`);
    }
  }
  const options: Record<string, unknown> = {};
  for (const name of Object.keys(request)) {
    if (CALL_NAMES.hasWireName(name)) {
      options[name] = request[name];
      delete request[name];
    }
  }
  return { values: { request: { ...own, ...request, ...given(fields) }, options }, signal };
}
