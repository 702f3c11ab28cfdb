/** An open file as all parts of a client share it: verbs in, results out. */

import type * as threadsOfNode from 'node:worker_threads';

import { completionOf } from './completions.js';
import { withSessions } from './current.js';
import { DECODERS, type Results } from './decode.js';
import { errorFromJson, InternalError } from './errors.js';
import { flushLogs, LogDelivery, type LogListener } from './logs.js';
import { type NativeEngine, type NativeFetch, type NativeStream, native } from './native.js';
import { camelCase } from './names.js';
import { encode } from './values.js';
import { builtin } from './place.js';
import { rememberName } from './wording.js';

const { isMainThread } = builtin<typeof threadsOfNode>('node:worker_threads');

/** How long the end of a thread or of the process may take for settlements, in seconds. */
const EXIT_TIMEOUT = 5;

// What errors call a method by.
for (const verb of Object.keys(DECODERS)) {
  const method = verb.split('.').at(-1) ?? verb;
  rememberName(method, camelCase(method));
}

const opened = new Set<WeakRef<NativeEngine>>();
const forget = new FinalizationRegistry<WeakRef<NativeEngine>>((reference) => opened.delete(reference));
let exitIsAwaited = false;

/** Runs verbs on one file. */
export class Engine {
  private constructor(
    private readonly native: NativeEngine,
    /** Held, because what it delivers is lost with it. */
    private readonly logs: LogDelivery | undefined,
  ) {}

  /** Makes a handle, whose records go to a listener if there is one; opens nothing. */
  static create(path: string, options: Readonly<Record<string, unknown>>, onLog?: LogListener): Engine {
    const logs = onLog === undefined ? undefined : new LogDelivery(onLog);
    const { engine, error } = native.Engine.create(path, encode(options, 'open'), logs?.native);
    if (typeof error === 'string') {
      throw errorFromJson(error);
    }
    if (engine === undefined || engine === null) {
      throw new InternalError('the native module returned neither a handle nor an error; report it');
    }
    awaitSettlementsAtExit(engine);
    return new Engine(engine, logs);
  }

  /** The path of the file, for people. */
  get path(): string {
    return this.native.path();
  }

  /** Runs a verb and reads its result; the signal gives the call up, which is then settled by its policy. */
  async run<Verb extends keyof Results>(
    verb: Verb,
    values: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<Results[Verb]> {
    const text = encode(withSessions(this.path, values), verb);
    const result = await completionOf((queue, ticket) => this.native.start(verb, text, queue, ticket), signal);
    return DECODERS[verb](JSON.parse(result) as never);
  }

  /** Closes the handle, at most for so many seconds, and hands over what it logged last. */
  async close(timeout: number): Promise<boolean> {
    const hasEnded = await this.run('close', { timeout });
    this.logs?.end();
    return hasEnded;
  }

  /** Starts a streamed chat. */
  stream(values: Readonly<Record<string, unknown>>): NativeStream {
    return this.native.stream(encode(withSessions(this.path, values), 'chat'));
  }

  /** Starts to answer a request of a vendor's own library. */
  fetch(head: Readonly<Record<string, unknown>>, body: Uint8Array): NativeFetch {
    return this.native.fetch(encode(withSessions(this.path, head), 'fetch'), body);
  }
}

/** Runs a verb about files that nobody has open, and reads its result. */
export async function runApart<Verb extends keyof Results>(
  verb: Verb,
  values: Readonly<Record<string, unknown>>,
): Promise<Results[Verb]> {
  const text = encode(values, verb);
  const result = await completionOf((queue, ticket) => native.Engine.startApart(verb, text, queue, ticket));
  return DECODERS[verb](JSON.parse(result) as never);
}

function awaitSettlementsAtExit(engine: NativeEngine): void {
  if (!isMainThread) {
    const reference = new WeakRef(engine);
    opened.add(reference);
    forget.register(engine, reference);
  }
  if (!exitIsAwaited) {
    exitIsAwaited = true;
    process.on('exit', isMainThread ? shutDown : closeOwn);
  }
}

function shutDown(): void {
  native.shutdown(EXIT_TIMEOUT);
  flushLogs();
}

/** Closes what a worker thread has open. The runtime stays, because other threads use it. */
function closeOwn(): void {
  for (const reference of opened) {
    reference.deref()?.closeBlocking(EXIT_TIMEOUT);
  }
  flushLogs();
}
