/** The shapes of arguments. */

import type { CallOptions, ChatOptions, Settings } from './arguments.js';
import type { LogListener } from './logs.js';
import type { Messages } from './shapes.js';

export type * from './arguments.js';
export type * from './shapes.js';

/** The choices for every request of a library that calls through `fetch`. Headers of a request choose for it alone. */
export interface FetchOptions extends Omit<CallOptions, 'idempotencyKey'> {
  /** The model to ask, whatever model a request names. */
  readonly model?: string | null;
}

/** A chat call as one object. */
export interface ChatRequest extends ChatOptions {
  readonly messages: Messages;
}

/** How to open a file. */
export interface OpenOptions extends Settings {
  /**
   * What seals the API keys: 32 bytes as hexadecimal digits or base64, or a passphrase of at least 8 characters. `env:NAME`
   * reads it from an environment variable; a function is called for it once.
   */
  readonly masterKey: string | (() => string | Promise<string>);
  /**
   * Takes what the engine tells about the calls, the models and the file of this handle: a retry, a fallback, a cooldown, a refusal.
   * Nothing waits for it, and what it throws ends nothing.
   */
  readonly onLog?: LogListener | null;
}
