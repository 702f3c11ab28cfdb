/** The drop-in: a function of the type of `fetch`, by which vendors' own libraries call the engine in process. */

import { ENGINE_OPTIONS } from './chat.js';
import { type Readiness, readiness } from './completions.js';
import type { Engine } from './engine.js';
import { errorFromJson, InternalError } from './errors.js';
import { type NativeFetch, native, type TakenPart } from './native.js';
import { OptionNames } from './names.js';
import { listen, unlisten } from './signals.js';
import type { FetchOptions } from './types.js';
import { encode } from './values.js';

/** Statuses whose answers have no body, which `Response` refuses to be given. */
const WITHOUT_BODY = new Set([204, 205, 304]);

const NAMES = new OptionNames('fetch()', ['model', ...ENGINE_OPTIONS.filter((name) => name !== 'idempotencyKey')], {
  idempotencyKey: 'belongs to one request: send it as the header idempotency-key',
  signal: 'belongs to one request: give it to the function that fetch() returns',
  apiKey: 'belongs to a model: pass it to models.add(...)',
  baseUrl: 'belongs to a model: pass it to models.add(...)',
});

/**
 * Makes a function of the type of the global `fetch`, whose requests the engine answers.
 *
 * @internal
 */
export function fetchOver(engine: Engine, options?: FetchOptions): typeof globalThis.fetch {
  const { model, ...callOptions } = NAMES.read(options);
  const fixed = { model, options: callOptions };
  // What is wrong with the options is said here, and not by the first request.
  const error = native.Engine.checkFetch(encode(fixed, 'fetch'));
  if (typeof error === 'string') {
    throw errorFromJson(error);
  }
  return async (input, init) => {
    const signal = signalOf(input, init);
    signal?.throwIfAborted();
    const request = new Request(input, { ...init, signal: null });
    const body = await unlessAborted(request.arrayBuffer(), signal);
    // It may have fired since the body was read, and no listener would hear of it any more.
    signal?.throwIfAborted();
    const head = { method: request.method, url: request.url, headers: [...request.headers], ...fixed };
    const answer = new Answer(engine.fetch(head, new Uint8Array(body)), signal);
    return answer.response(request.url);
  };
}

function signalOf(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): AbortSignal | undefined {
  const own = input instanceof Request ? input.signal : undefined;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** Waits for a promise, and no longer when the signal fires. */
function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) {
    return promise;
  }
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    listen(signal, abort);
    void promise.then(resolve, reject).finally(() => unlisten(signal, abort));
  });
}

/** An answer under way. It is held by its body alone: when nobody holds that any more, the call is given up. */
class Answer {
  readonly #native: NativeFetch;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #controller: ReadableByteStreamController | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wait: Readiness | undefined;

  constructor(native: NativeFetch, signal: AbortSignal | undefined) {
    this.#native = native;
    this.#signal = signal;
    // The signal may outlive the answer, and must not hold it: then it would never be collected, nor given up.
    const reference = new WeakRef(this);
    this.#onAbort = () => {
      const answer = reference.deref();
      if (answer !== undefined) {
        answer.#abort();
      }
    };
    if (signal !== undefined) {
      listen(signal, this.#onAbort);
      listeners.register(this, { signal, listener: this.#onAbort }, this);
    }
  }

  async response(url: string): Promise<Response> {
    const { head } = await this.#take('fetch failed');
    if (typeof head !== 'string') {
      const cause = new InternalError('the answer ended before it began; report it, with what was asked');
      throw new TypeError('fetch failed', { cause });
    }
    const { status, headers } = JSON.parse(head) as { status: number; headers: [string, string][] };
    const hasBody = !WITHOUT_BODY.has(status);
    if (!hasBody) {
      // Its end comes when the ledger has the call.
      while (!(await this.#take('fetch failed')).ended);
      this.#detach();
    }
    const response = new Response(hasBody ? this.#body() : null, { status, headers });
    // The constructor leaves it empty, as of an answer that is from nowhere; libraries name it in their errors.
    return Object.defineProperty(response, 'url', { value: url, configurable: true, enumerable: true });
  }

  /** The body is read as far as it is asked for, so that a slow reader holds the provider back. */
  #body(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        this.#controller = controller;
      },
      pull: async (controller) => {
        const { body } = await this.#take('terminated');
        if (body instanceof Uint8Array) {
          controller.enqueue(body);
          return;
        }
        this.#detach();
        controller.close();
        // A reader that brought its own memory waits for it to be handed back.
        controller.byobRequest?.respond(0);
      },
      cancel: () => this.#close(),
    });
  }

  /** Waits for the next part; fails as `fetch` and its bodies do. */
  async #take(whatFailed: string): Promise<TakenPart> {
    for (;;) {
      if (this.#failure !== undefined) {
        throw this.#failure.error;
      }
      const taken = this.#native.take();
      if (typeof taken.error === 'string') {
        this.#detach();
        throw new TypeError(whatFailed, { cause: errorFromJson(taken.error) });
      }
      if (taken.ended || typeof taken.head === 'string' || taken.body instanceof Uint8Array) {
        return taken;
      }
      this.#wait = readiness((queue, ticket) => this.#native.notify(queue, ticket));
      await this.#wait.promise;
      this.#wait = undefined;
    }
  }

  #abort(): void {
    const error: unknown = this.#signal?.reason;
    this.#failure = { error };
    this.#close();
    this.#controller?.error(error);
  }

  #close(): void {
    this.#detach();
    this.#native.close();
    this.#wait?.end();
  }

  #detach(): void {
    if (this.#signal !== undefined) {
      unlisten(this.#signal, this.#onAbort);
      listeners.unregister(this);
    }
  }
}

/** Listeners on signals that outlive their answers. */
const listeners = new FinalizationRegistry<{ readonly signal: AbortSignal; readonly listener: () => void }>(
  ({ signal, listener }) => unlisten(signal, listener),
);
