/** The shapes of arguments. */

import type {
  CallOptions,
  ChatParameters,
  PriceFormat,
  RecordFilter,
  Settings,
  Strategy,
  UsageFilter,
} from './arguments.js';
import type { LogListener } from './logs.js';
import type { Abortable, Amount, Instant, Messages, Window } from './shapes.js';

export type * from './arguments.js';
export type * from './shapes.js';

/** The choices for every request of a library that calls through `fetch`. Headers of a request choose for it alone. */
export interface FetchOptions extends Omit<CallOptions, 'idempotencyKey'> {
  /** The model to ask, whatever model a request names. */
  readonly model?: string | null;
}

/** What follows the messages of a chat call. */
export interface ChatOptions extends ChatParameters, Abortable {}

/** A chat call as one object. */
export interface ChatRequest extends ChatOptions {
  readonly messages: Messages;
}

/** The candidates of a route and how one is chosen. */
export interface RouteOptions {
  readonly strategy: Strategy;
  /** The configs to choose among, in order; all active ones of the capability where left out. */
  readonly models?: readonly string[] | null;
  /** For `economy`: whom to prefer among equals. */
  readonly preferredProviders?: readonly string[] | null;
  /** For `economy`: the most that one request may cost. */
  readonly maximumCost?: { readonly amount: Amount; readonly currency: string } | null;
}

/** Whose calls a budget caps, and at what. */
export interface BudgetOptions {
  readonly user?: string | null;
  /** A tag's key and value. */
  readonly tag?: readonly [key: string, value: string] | null;
  readonly limit?: Amount | null;
  readonly currency?: string | null;
  readonly limitTokens?: number | null;
  /** `total` where left out. */
  readonly window?: Window | null;
  /** The IANA time zone in which days and months begin; UTC where left out. */
  readonly timeZone?: string | null;
}

/** Which page of usage records to read; 100 records where no limit is given. */
export interface RecordsOptions extends UsageFilter {
  readonly limit?: number | null;
  readonly cursor?: string | null;
  /** `asc`, in which they were settled, where left out; `desc` for the newest first. */
  readonly order?: 'asc' | 'desc' | null;
}

/** Which usage records to read, and in which order. */
export interface IterateOptions extends UsageFilter {
  /** `asc`, in which they were settled, where left out; `desc` for the newest first. */
  readonly order?: 'asc' | 'desc' | null;
}

/** What the file is held against. */
export interface VerifyOptions {
  /** What `head()` returned earlier; the ledger must still hold all that it held then. */
  readonly head?: string;
}

/** How to group usage records. */
export interface SummaryOptions extends UsageFilter {
  /** `model`, `provider`, `user`, `day`, `month`, `status`, `cost_status`, `currency` or `tag:KEY`. */
  readonly by?: string | readonly string[] | null;
  /** The IANA time zone in which days and months begin; UTC where left out. */
  readonly timeZone?: string | null;
}

/** How to bill past calls again. */
export interface RerateOptions extends RecordFilter {
  readonly until?: Instant | null;
  /** `as_known_now` (default), `in_force_now`, or the path of a price list. */
  readonly book?: string | URL | null;
  /** The format of that list; `tollway` where left out. */
  readonly format?: PriceFormat | null;
  /** Whether to write the differences as adjustments. */
  readonly apply?: boolean | null;
}

/** How to read a price list. */
export interface PriceImportOptions {
  readonly format: PriceFormat;
  /** Makes a key that was not understood an error. */
  readonly strict?: boolean | null;
  /** Whether to take the prices over, from now on. */
  readonly apply?: boolean | null;
  /** What the prices name as their source. */
  readonly source?: string | null;
}

/** When an exchange rate applies and where it is from. */
export interface FxOptions {
  readonly effectiveDate?: Instant | null;
  readonly source?: string | null;
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
