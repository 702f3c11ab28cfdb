/** What a chat call sends to the engine. */

import { CALL_OPTIONS, CHAT_PARAMETERS } from './arguments/chat.js';
import { invalid } from './errors.js';
import { checkObject, kindOf, OptionNames } from './names.js';
import { isSignal } from './signals.js';
import type { ChatOptions, ChatRequest, Messages } from './types.js';
import { given } from './values.js';

/** What Tollway does with a call, by the names of options. */
export const ENGINE_OPTIONS: readonly string[] = Object.keys(CALL_OPTIONS);
// What other libraries call it, and what to do here.
const ELSEWHERE = {
  maxCompletionTokens: 'is maxTokens here',
  maxOutputTokens: 'is maxTokens here',
  abortSignal: 'is signal here',
  prompt: 'is messages here',
  stream: 'is a method here: chatStream(...)',
};
const NAMES = new OptionNames(
  'chat()',
  ['messages', ...Object.keys(CHAT_PARAMETERS), 'signal'],
  ELSEWHERE,
  '; pass fields that only some providers know in extra: {...}',
);
const CALL_NAMES = new OptionNames('the call', ENGINE_OPTIONS);

/** A chat call as the engine reads it, and the signal that gives it up. */
export interface ChatArguments {
  readonly values: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal | undefined;
}

/** Reads the arguments of a chat call: messages and options, or one object with both. */
export function chatArguments(
  first: Messages | ChatRequest,
  second: ChatOptions | undefined,
  owner: string,
): ChatArguments {
  const isRequest = typeof first === 'object' && first !== null && !Array.isArray(first);
  if (isRequest && second !== undefined) {
    throw invalid(`${owner} takes messages and options, or one object with both, not two objects`);
  }
  const read = NAMES.read(isRequest ? first : second, owner);
  if (!isRequest) {
    if ('messages' in read) {
      throw invalid(`${owner} got messages twice: as its first argument, and in its options`);
    }
    read['messages'] = first;
  }
  const { extra, signal, ...request } = read;
  if (signal !== undefined && !isSignal(signal)) {
    throw invalid(`${owner}: signal must be an AbortSignal, not ${kindOf(signal)}`);
  }
  const fields = extra === undefined ? {} : checkObject(extra, 'extra', '{ top_k: 5 }');
  for (const name of Object.keys(fields)) {
    if (NAMES.hasWireName(name)) {
      throw invalid(`extra holds "${name}", which ${owner} takes as an option of its own; pass it there`);
    }
  }
  const options: Record<string, unknown> = {};
  for (const name of Object.keys(request)) {
    if (CALL_NAMES.hasWireName(name)) {
      options[name] = request[name];
      delete request[name];
    }
  }
  return { values: { request: { ...request, ...given(fields) }, options }, signal };
}
