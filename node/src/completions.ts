/**
 * The way from the native runtime to this thread's event loop.
 *
 * The runtime's threads put finished calls on a queue and wake the loop; one wake-up settles all calls that have finished
 * by then. A pending call keeps the process running, and nothing else of Tollway does.
 */

// Imported, because programs put timers of their own in the place of the global ones.
import type * as timersOfNode from 'node:timers';

import { errorFromJson } from './errors.js';
import { type NativeCall, type NativeQueue, native } from './native.js';
import { builtin } from './place.js';

const { setInterval } = builtin<typeof timersOfNode>('node:timers');

interface Pending {
  readonly resolve: (text: string) => void;
  readonly reject: (error: unknown) => void;
  /** Held, because a call that is collected is given up. */
  call?: NativeCall;
}

// The longest time that a timer takes. It fires twice a month, and does nothing.
const LONGEST_INTERVAL = 0x7fffffff;

const pending = new Map<number, Pending>();
let lastTicket = 0;
let queue: NativeQueue | undefined;
let keepAlive: NodeJS.Timeout | undefined;

function currentQueue(): NativeQueue {
  queue ??= new native.CompletionQueue(drain);
  return queue;
}

function drain(): void {
  for (const [ticket, result, error] of queue?.drain() ?? []) {
    const entry = take(ticket);
    // The end of a call that was aborted interests nobody any more.
    if (entry === undefined) {
      continue;
    }
    if (typeof error === 'string') {
      entry.reject(errorFromJson(error));
    } else {
      entry.resolve(result ?? '');
    }
  }
}

function put(entry: Pending): number {
  if (pending.size === 0) {
    keepAlive ??= setInterval(() => undefined, LONGEST_INTERVAL);
    keepAlive.ref();
  }
  lastTicket += 1;
  pending.set(lastTicket, entry);
  return lastTicket;
}

function take(ticket: number): Pending | undefined {
  const entry = pending.get(ticket);
  if (entry !== undefined && pending.delete(ticket) && pending.size === 0) {
    keepAlive?.unref();
  }
  return entry;
}

/**
 * Starts a call and returns its result. When the signal fires, the call is given up and the promise is rejected with the
 * signal's reason.
 */
export function completionOf(
  start: (queue: NativeQueue, ticket: number) => NativeCall,
  signal?: AbortSignal,
): Promise<string> {
  if (signal === undefined) {
    return new Promise((resolve, reject) => begin(start, { resolve, reject }));
  }
  if (signal.aborted) {
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const entry: Pending = {
      resolve: (text) => {
        signal.removeEventListener('abort', abort);
        resolve(text);
      },
      reject: (error) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    };
    const abort = (): void => {
      take(ticket);
      entry.call?.cancel();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    const ticket = begin(start, entry);
  });
}

function begin(start: (queue: NativeQueue, ticket: number) => NativeCall, entry: Pending): number {
  const ticket = put(entry);
  try {
    entry.call = start(currentQueue(), ticket);
  } catch (error) {
    take(ticket);
    entry.reject(error);
  }
  return ticket;
}

/** Waits until a ticket comes back from the queue, such as that of a stream which has something to take. */
export function readiness(notify: (queue: NativeQueue, ticket: number) => void): Readiness {
  let settle: (() => void) | undefined;
  let fail: ((error: unknown) => void) | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const ticket = put({ resolve: () => settle?.(), reject: (error) => fail?.(error) });
  notify(currentQueue(), ticket);
  return {
    promise,
    end: () => {
      take(ticket);
      settle?.();
    },
  };
}

/** A wait for a ticket. Ending it early settles the promise at once. */
export interface Readiness {
  readonly promise: Promise<void>;
  end(): void;
}
