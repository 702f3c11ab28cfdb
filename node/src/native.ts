/** The native module: its shape, and where it is found. */

import { requireFromHere } from './place.js';
import { platformName } from './platform.js';

/** What a stream had at hand. */
export interface Taken {
  readonly events?: string;
  readonly error?: string;
  readonly ended: boolean;
}

/** A call under way. When it is collected, the call is given up. */
export interface NativeCall {
  cancel(): void;
}

/** A streamed chat with one reader. When it is collected, the call is given up. */
export interface NativeStream {
  take(maximum: number): Taken;
  notify(queue: NativeQueue, ticket: number): void;
  close(): void;
}

/** What an answer had at hand: one of a head, more of a body and an error at most. */
export interface TakenPart {
  readonly head?: string;
  readonly body?: Uint8Array;
  readonly error?: string;
  readonly ended: boolean;
}

/** An answer to a request of a vendor's library, with one reader. When it is collected, the call is given up. */
export interface NativeFetch {
  take(): TakenPart;
  notify(queue: NativeQueue, ticket: number): void;
  close(): void;
}

/** Records of the engine, as the text of a JSON array. */
export interface TakenRecords {
  readonly records?: string | null;
  readonly ended: boolean;
}

/** The records of a handle, with one reader. */
export interface NativeLogs {
  take(maximum: number): TakenRecords;
  notify(queue: NativeQueue, ticket: number): void;
  close(): void;
}

/** A ticket, a result and an error as JSON text; exactly one of the last two is there. */
export type Completion = readonly [ticket: number, result: string | null | undefined, error: string | null | undefined];

/** The finished calls of one event loop. */
export interface NativeQueue {
  drain(): Completion[];
}

/** A handle of one file. */
export interface NativeEngine {
  path(): string;
  start(verb: string, argumentsText: string, queue: NativeQueue, ticket: number): NativeCall;
  stream(argumentsText: string): NativeStream;
  fetch(head: string, body: Uint8Array): NativeFetch;
  closeBlocking(timeout: number): void;
}

/** What the native module exports. */
export interface NativeModule {
  readonly Engine: {
    create(path: string, options: string, logs?: NativeLogs): { engine?: NativeEngine; error?: string };
    /** Returns what is wrong with the choices for every request of a library, as JSON text. */
    checkFetch(chosen: string): string | null | undefined;
    /** Starts a verb about files that nobody has open. */
    startApart(verb: string, argumentsText: string, queue: NativeQueue, ticket: number): NativeCall;
  };
  readonly Logs: new () => NativeLogs;
  readonly CompletionQueue: new (wake: () => void) => NativeQueue;
  cli(commandLine: string[]): number;
  errorCodes(): string[];
  shutdown(timeout: number): void;
}

function load(): NativeModule {
  const platform = platformName();
  const require = requireFromHere();
  // Beside a bundle, in a checkout, or in a package of its own.
  const names = [`./tollway.${platform}.node`, `../tollway.${platform}.node`, `@tollway/${platform}`];
  const name = names.find((each) => isThere(require, each));
  if (name === undefined) {
    throw new Error(
      `the package @tollway/${platform}, which has Tollway's native module for this platform, is not installed: ` +
        `install again without --omit=optional and on the platform that runs it, or run npm install @tollway/${platform}; ` +
        `a bundle may have the package's file tollway.${platform}.node beside it instead`,
    );
  }
  try {
    return require(name) as NativeModule;
  } catch (error) {
    throw new Error(`Tollway's native module for ${platform} cannot be loaded from ${require.resolve(name)}`, {
      cause: error,
    });
  }
}

function isThere(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

export const native: NativeModule = load();
