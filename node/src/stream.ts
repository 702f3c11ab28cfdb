/// <reference lib="esnext.disposable" preserve="true" />

/** Streamed chats. Events that are ready are taken in batches, so that most cost no wait at all. */

import { type Readiness, readiness } from './completions.js';
import { errorFromJson } from './errors.js';
import type { NativeStream } from './native.js';
import { decodeStreamEvent } from './results/chat.js';
import type { ChatReply, StreamEvent } from './results.js';
import type { Wire } from './wire.js';

const BATCH = 64;

/** Takes what a stream had put on its signal off it, once the stream is collected. */
const collected = new FinalizationRegistry<() => void>((detach) => detach());

/**
 * The events of a streamed call, as they arrive. After the last one, `reply` is the settled reply.
 *
 * A stream has one consumer, and is read once. Leaving it early, by `break`, an error, `close()`, its signal or garbage
 * collection, gives the call up, which is then billed by its `onAbandon`.
 */
export class ChatStream implements AsyncIterableIterator<StreamEvent> {
  readonly #native: NativeStream;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #events: StreamEvent[] = [];
  #place = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #reply: ChatReply | null = null;
  #wait: Readiness | undefined;
  #reads = 0;
  #lastRead: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(native: NativeStream, signal?: AbortSignal) {
    this.#native = native;
    this.#signal = signal;
    // The signal may outlive the stream, and must not hold it: then it would never be collected, nor given up.
    const reference = new WeakRef(this);
    this.#onAbort = () => {
      const stream = reference.deref();
      if (stream !== undefined) {
        stream.#abort();
      }
    };
    if (signal?.aborted === true) {
      this.#abort();
    } else if (signal !== undefined) {
      const onAbort = this.#onAbort;
      signal.addEventListener('abort', onAbort, { once: true });
      collected.register(this, () => signal.removeEventListener('abort', onAbort));
    }
  }

  /** The settled reply; null before the last event. */
  get reply(): ChatReply | null {
    return this.#reply;
  }

  /** Returns the next event. Calls that overlap get their events in the order in which they were made. */
  next(): Promise<IteratorResult<StreamEvent, undefined>> {
    const isAlone = this.#reads === 0;
    if (isAlone && this.#place < this.#events.length) {
      return Promise.resolve(this.#take());
    }
    this.#reads += 1;
    const read = isAlone ? this.#read() : this.#lastRead.then(() => this.#read());
    this.#lastRead = read.then(ignore, ignore);
    return read;
  }

  /** Gives the call up, as `break` does. */
  return(): Promise<IteratorResult<StreamEvent, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Gives the call up, and rejects with the error given. */
  throw(error?: unknown): Promise<IteratorResult<StreamEvent, undefined>> {
    this.close();
    return Promise.reject(error);
  }

  /** Gives the call up, which is then billed by its `onAbandon`; nothing happens if it has ended. */
  close(): void {
    this.#ended = true;
    this.#events = [];
    this.#place = 0;
    this.#failure = undefined;
    this.#detach();
    this.#native.close();
    this.#wait?.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #read(): Promise<IteratorResult<StreamEvent, undefined>> {
    try {
      while (this.#place >= this.#events.length) {
        if (this.#failure !== undefined) {
          const { error } = this.#failure;
          this.#failure = undefined;
          throw error;
        }
        if (this.#ended) {
          return { done: true, value: undefined };
        }
        if (!this.#fill()) {
          this.#wait = readiness((queue, ticket) => this.#native.notify(queue, ticket));
          await this.#wait.promise;
          this.#wait = undefined;
        }
      }
      return this.#take();
    } finally {
      // Before the reader goes on, whose next read then finds that it is alone.
      this.#reads -= 1;
    }
  }

  /** Takes what is ready, without waiting; returns false if there is nothing yet. */
  #fill(): boolean {
    const { events, error, ended } = this.#native.take(BATCH);
    if (ended) {
      this.#ended = true;
      this.#detach();
    }
    if (typeof error === 'string') {
      this.#failure = { error: errorFromJson(error) };
    }
    if (typeof events === 'string') {
      this.#events = (JSON.parse(events) as Wire[]).map(decodeStreamEvent);
      this.#place = 0;
    }
    return ended || typeof events === 'string';
  }

  #take(): IteratorResult<StreamEvent, undefined> {
    const value = this.#events[this.#place] as StreamEvent;
    this.#place += 1;
    if (value.reply !== null) {
      this.#reply = value.reply;
    }
    return { done: false, value };
  }

  #abort(): void {
    if (!this.#ended) {
      this.close();
      this.#failure = { error: this.#signal?.reason };
    }
  }

  #detach(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

function ignore(): void {
  // The reader hears of it.
}
