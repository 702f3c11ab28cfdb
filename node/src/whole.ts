/** The arguments of calls whose answers come whole. */

import { type ChatArguments, ENGINE_OPTIONS } from './chat.js';
import { invalid } from './errors.js';
import { checkObject, type Fields, kindOf, OptionNames } from './names.js';
import { isSignal } from './signals.js';
import { given } from './values.js';

const CALL_NAMES = new OptionNames('the call', ENGINE_OPTIONS);
const HINT = '; pass fields that only some providers know in extra: {...}';

const PLACES = ['first', 'second', 'third'];

/** Returns the names of a call's options: its parameters, and what gives it up. `arguments_` are those that go before them. */
export function wholeNames(owner: string, parameters: Fields, arguments_: readonly string[]): OptionNames {
  const hints = Object.fromEntries(arguments_.map((name, place) => [name, `is the ${PLACES[place]} argument`]));
  return new OptionNames(owner, [...Object.keys(parameters), 'signal'], hints, HINT);
}

/** Writes an array of strings. */
export function strings(value: unknown, name: string): unknown {
  if (!Array.isArray(value)) {
    throw invalid(`${name} must be an array of strings, not ${kindOf(value)}`);
  }
  return value;
}

/** Writes a string, or several. */
export function oneOrSeveral(value: unknown, name: string): unknown {
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw invalid(`${name} must be a string or an array of strings, not ${kindOf(value)}`);
  }
  return value;
}

/** Reads the options of a call; `own` are its arguments before them. */
export function wholeArguments(
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
