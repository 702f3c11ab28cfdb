/**
 * What the engine logs, handed to the function that a handle was opened with.
 *
 * The engine's queue is bounded and waits for nobody. A record is handed over in a turn of the event loop of its own, and neither keeps
 * the process running nor ends it.
 */

import { kindOf, camelCase } from './names.js';
import { invalid } from './errors.js';
import { type NativeLogs, type NativeQueue, native } from './native.js';

/** How many records are handed over in one turn of the event loop. */
const BATCH = 64;

/** What the engine tells about a call, a model or the file. */
export interface LogRecord {
  /** When it happened. */
  readonly time: string;
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** What it is about: `tollway.call`, `tollway.models` or `tollway.ledger`. */
  readonly target: string;
  /** A sentence for people. */
  readonly message: string;
  /** What the sentence says as data, such as `provider`, `model`, `requestId`, `attempt` and `code`. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** Takes records. What it throws, or rejects with, is told once as a warning of the process. */
export type LogListener = (record: LogRecord) => unknown;

/** Those who wait for a record, by their tickets. Held weakly: what a listener refers to may be the handle itself. */
const waiting = new Map<number, WeakRef<LogDelivery>>();
const all = new Set<WeakRef<LogDelivery>>();
const forget = new FinalizationRegistry<() => void>((clear) => clear());
let lastTicket = 0;
let queue: NativeQueue | undefined;

function currentQueue(): NativeQueue {
  queue ??= new native.CompletionQueue(wake);
  return queue;
}

function wake(): void {
  for (const [ticket] of queue?.drain() ?? []) {
    waiting.get(ticket)?.deref()?.goOn();
  }
}

/** Hands the records of one handle to its listener. */
export class LogDelivery {
  readonly native: NativeLogs = new native.Logs();
  readonly #ticket = (lastTicket += 1);
  readonly #taken: LogRecord[] = [];
  #hasTold = false;

  constructor(private readonly listener: LogListener) {
    if (typeof listener !== 'function') {
      throw invalid(`onLog must be a function that takes a record, not ${kindOf(listener)}`);
    }
    const reference = new WeakRef(this);
    const ticket = this.#ticket;
    waiting.set(ticket, reference);
    all.add(reference);
    forget.register(this, () => {
      waiting.delete(ticket);
      all.delete(reference);
    });
    this.native.notify(currentQueue(), ticket);
  }

  /** Hands over what is ready, and waits for more. */
  goOn(): void {
    const { records, ended } = this.native.take(BATCH);
    this.#handOver(records);
    if (!ended) {
      this.native.notify(currentQueue(), this.#ticket);
    }
  }

  /** Hands over all that is left, at once. */
  flush(): void {
    for (;;) {
      const { records } = this.native.take(BATCH);
      this.#handOver(records);
      if (typeof records !== 'string') {
        return;
      }
    }
  }

  /** Hands over what is left; nothing follows. */
  end(): void {
    this.native.close();
    this.flush();
  }

  #handOver(records: string | null | undefined): void {
    if (typeof records === 'string') {
      this.#taken.push(...(JSON.parse(records) as LogRecord[]).map(inOurNames));
    }
    // A listener that closes the handle comes back here, and goes on where it was called.
    for (let record = this.#taken.shift(); record !== undefined; record = this.#taken.shift()) {
      try {
        const result = this.listener(record);
        if (result instanceof Promise) {
          result.catch((error: unknown) => this.#tell(error));
        }
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  #tell(error: unknown): void {
    if (!this.#hasTold) {
      this.#hasTold = true;
      const text = error instanceof Error ? error.message : String(error);
      process.emitWarning(
        `onLog failed, and goes on being called; the error of its first failure: ${text}`,
        'TollwayWarning',
      );
    }
  }
}

function inOurNames(record: LogRecord): LogRecord {
  const named = Object.entries(record.fields).map(([name, value]) => [camelCase(name), value]);
  return { ...record, fields: Object.fromEntries(named) as LogRecord['fields'] };
}

/** Hands over all that is left of every handle of this thread, at its exit. */
export function flushLogs(): void {
  for (const reference of all) {
    reference.deref()?.flush();
  }
}
