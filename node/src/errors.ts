/** Errors: one base class, and one class per kind. Each says what the caller must do. */

import { inOurWords } from './wording.js';

/** One attempt of a call that failed. */
export interface FailedAttempt {
  /** The model that was tried, as `provider/model`. */
  readonly model: string;
  readonly outcome: 'not_sent' | 'failed' | 'timeout' | 'cancelled' | 'partial';
  /** The stable code of its error. */
  readonly errorCode: string;
  /** The HTTP status of the provider's answer. */
  readonly status: number | null;
  /** The usage record of the attempt; null where nothing was sent. */
  readonly recordUid: string | null;
}

/** What a budget that refused a call had. Amounts are texts in its currency, or tokens where that is null. */
export interface BudgetRefusal {
  readonly budgetId: number;
  /** What may be used in its window. */
  readonly limit: string;
  /** What was used in it. */
  readonly settled: string;
  /** What calls under way hold. */
  readonly reserved: string;
  /** What the call asked to hold. */
  readonly asked: string;
  readonly currency: string | null;
  /** The greatest `maxTokens` with which the same call fits into this budget now; null where none is known to. */
  readonly maxTokens: number | null;
}

/** What an error carries beside its detail. */
export interface ErrorAttributes {
  readonly code?: string;
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly status?: number | null;
  readonly retryAfter?: number | null;
  readonly requestId?: string | null;
  readonly providerCode?: string | null;
  readonly retryable?: boolean;
  readonly attempts?: readonly FailedAttempt[];
  readonly budget?: BudgetRefusal | null;
  readonly field?: string | null;
}

/** Stands for every error of Tollway. Its code is stable; its detail is a sentence for people. */
export class TollwayError extends Error {
  static readonly defaultCode: string = 'internal';

  /** The stable code of the kind, such as `budget_exceeded`. */
  readonly code: string;
  /** What was wrong and what to do. */
  readonly detail: string;
  /** The provider of the failed attempt. */
  readonly provider: string | null;
  /** The model of the failed attempt, without its provider. */
  readonly model: string | null;
  /** The HTTP status of the provider's answer. */
  readonly status: number | null;
  /** How long to wait before a retry, in seconds. */
  readonly retryAfter: number | null;
  /** The provider's id of the request. */
  readonly requestId: string | null;
  /** The provider's own error code or type. */
  readonly providerCode: string | null;
  /** Whether the same call, sent again, may succeed. */
  readonly retryable: boolean;
  /** The attempts of a call that failed, in order; none of what is no call. */
  readonly attempts: readonly FailedAttempt[];
  /** The argument that is wrong, as its path such as `prices.input_token.unit`; null where none is. */
  readonly field: string | null;

  constructor(detail: string, attributes: ErrorAttributes = {}) {
    const { provider = null, model = null } = attributes;
    super(provider !== null && model !== null ? `${detail} [${provider}/${model}]` : detail);
    this.name = new.target.name;
    this.code = attributes.code ?? new.target.defaultCode;
    this.detail = detail;
    this.provider = provider;
    this.model = model;
    this.status = attributes.status ?? null;
    this.retryAfter = attributes.retryAfter ?? null;
    this.requestId = attributes.requestId ?? null;
    this.providerCode = attributes.providerCode ?? null;
    this.retryable = attributes.retryable ?? false;
    this.attempts = attributes.attempts ?? [];
    this.field = attributes.field ?? null;
  }
}

/** Says that a cap would be passed: wait for the next window, raise the limit, or ask for less. */
export class BudgetExceededError extends TollwayError {
  static override readonly defaultCode = 'budget_exceeded';

  /** The budget that refused; null where no one budget did. */
  readonly budgetId: number | null;
  /** What may be used in its window, in its currency, or in tokens. */
  readonly limit: string | null;
  /** What was used in it. */
  readonly settled: string | null;
  /** What calls under way hold. */
  readonly reserved: string | null;
  /** What the call asked to hold. */
  readonly asked: string | null;
  /** The currency of the budget; null where it counts tokens. */
  readonly currency: string | null;
  /** The greatest `maxTokens` with which the same call fits into this budget now; null where none is known to. */
  readonly maxTokens: number | null;

  constructor(detail: string, attributes: ErrorAttributes = {}) {
    super(detail, attributes);
    const budget = attributes.budget ?? null;
    this.budgetId = budget?.budgetId ?? null;
    this.limit = budget?.limit ?? null;
    this.settled = budget?.settled ?? null;
    this.reserved = budget?.reserved ?? null;
    this.asked = budget?.asked ?? null;
    this.currency = budget?.currency ?? null;
    this.maxTokens = budget?.maxTokens ?? null;
  }
}

/** Says that the call has no price and that the policy refuses such calls: add a price or choose another policy. */
export class UnpricedError extends TollwayError {
  static override readonly defaultCode = 'unpriced';
}

/** Says that a price and a budget are in different currencies: set a budget in the currency of the price. */
export class CurrencyMismatchError extends TollwayError {
  static override readonly defaultCode = 'currency_mismatch';
}

/** Says that no model config can serve the request; the detail names each and why it was passed over. */
export class NoRouteError extends TollwayError {
  static override readonly defaultCode = 'no_route';
}

/** Says that the provider limits the rate of calls: retry after `retryAfter` seconds. */
export class RateLimitedError extends TollwayError {
  static override readonly defaultCode = 'rate_limited';
}

/** Says that the account with the provider is out of money or quota: recharge it. */
export class ProviderQuotaExhaustedError extends TollwayError {
  static override readonly defaultCode = 'provider_quota_exhausted';
}

/** Says that the provider failed or could not be reached: retry later or add a fallback. */
export class ProviderUnavailableError extends TollwayError {
  static override readonly defaultCode = 'provider_unavailable';
}

/** Says that the request is wrong: change it; the detail names the field. */
export class InvalidRequestError extends TollwayError {
  static override readonly defaultCode = 'invalid_request';
}

/** Says that what the request names does not exist, here or at the provider. */
export class NotFoundError extends TollwayError {
  static override readonly defaultCode = 'not_found';
}

/** Says that the provider did not accept the API key: replace it. */
export class AuthenticationError extends TollwayError {
  static override readonly defaultCode = 'authentication';
}

/** Says that the API key is valid but may not do this: ask the provider for access. */
export class PermissionDeniedError extends TollwayError {
  static override readonly defaultCode = 'permission_denied';
}

/** Says that the input is longer than the model accepts: shorten it or use another model. */
export class ContextLengthExceededError extends TollwayError {
  static override readonly defaultCode = 'context_length_exceeded';
}

/** Says that the provider refused the content: change it. */
export class ContentFilteredError extends TollwayError {
  static override readonly defaultCode = 'content_filtered';
}

/** Says that the deadline passed: retry or allow more time. */
export class CallTimeoutError extends TollwayError {
  static override readonly defaultCode = 'timeout';
}

/** Says that the call was given up. A call whose `AbortSignal` fired rejects with the signal's reason instead. */
export class CancelledError extends TollwayError {
  static override readonly defaultCode = 'cancelled';
}

/** Says that the idempotency key was used before with another request: use a new key. */
export class IdempotencyConflictError extends TollwayError {
  static override readonly defaultCode = 'idempotency_conflict';
}

/** Says that the master key does not open this file, which was not changed: give the right key. */
export class WrongMasterKeyError extends TollwayError {
  static override readonly defaultCode = 'wrong_master_key';
}

/** Says that the path is not a Tollway file, and that nothing was changed: check the path. */
export class NotATollwayFileError extends TollwayError {
  static override readonly defaultCode = 'not_a_tollway_file';
}

/** Says that the file is truncated or damaged: restore it from a copy. */
export class CorruptedFileError extends TollwayError {
  static override readonly defaultCode = 'corrupted_file';
}

/** Says that the file was written by a newer version: upgrade this package. */
export class NewerFileError extends TollwayError {
  static override readonly defaultCode = 'newer_file';
}

/** Says that the file could not be read or written: folder missing or read-only, disk full, opened elsewhere. */
export class StorageError extends TollwayError {
  static override readonly defaultCode = 'storage';
}

/** Says that a call or a stream was started by the parent, before a fork: start it again in this process. */
export class ForkedError extends TollwayError {
  static override readonly defaultCode = 'forked';
}

/** Says that the handle was closed: open the file again. */
export class ClosedError extends TollwayError {
  static override readonly defaultCode = 'closed';
}

/** Says that Tollway has a defect: report it. */
export class InternalError extends TollwayError {
  static override readonly defaultCode = 'internal';
}

const CLASSES = new Map<string, typeof TollwayError>(
  [
    BudgetExceededError,
    UnpricedError,
    CurrencyMismatchError,
    NoRouteError,
    RateLimitedError,
    ProviderQuotaExhaustedError,
    ProviderUnavailableError,
    InvalidRequestError,
    NotFoundError,
    AuthenticationError,
    PermissionDeniedError,
    ContextLengthExceededError,
    ContentFilteredError,
    CallTimeoutError,
    CancelledError,
    IdempotencyConflictError,
    WrongMasterKeyError,
    NotATollwayFileError,
    CorruptedFileError,
    NewerFileError,
    StorageError,
    ForkedError,
    ClosedError,
    InternalError,
  ].map((kind) => [kind.defaultCode, kind]),
);

interface ErrorFields {
  readonly code: string;
  readonly detail: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly status: number | null;
  readonly retry_after: number | null;
  readonly request_id: string | null;
  readonly provider_code: string | null;
  readonly retryable: boolean;
  readonly attempts?: readonly Readonly<Record<string, unknown>>[];
  readonly budget?: Readonly<Record<string, unknown>>;
  readonly field?: string;
}

/**
 * Makes the error that the native module describes; an unknown code makes a plain `TollwayError`.
 *
 * @internal
 */
export function errorFromJson(text: string): TollwayError {
  const fields = JSON.parse(text) as ErrorFields;
  const kind = CLASSES.get(fields.code) ?? TollwayError;
  const isProviders = fields.status !== null || fields.provider_code !== null;
  return new kind(isProviders ? fields.detail : inOurWords(fields.detail), {
    code: fields.code,
    provider: fields.provider,
    model: fields.model,
    status: fields.status,
    retryAfter: fields.retry_after,
    requestId: fields.request_id,
    providerCode: fields.provider_code,
    retryable: fields.retryable,
    attempts: inCamelCase(fields.attempts ?? []) as FailedAttempt[],
    budget: inCamelCase(fields.budget ?? null) as BudgetRefusal | null,
    field: fields.field === undefined ? null : inOurWords(fields.field),
  });
}

/** Renames fields; the module of names needs this one, and cannot be needed by it. */
function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(inCamelCase);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const named = Object.entries(value).map(([name, field]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    field,
  ]);
  return Object.fromEntries(named);
}

/**
 * Makes the error of a wrong argument.
 *
 * @internal
 */
export function invalid(detail: string): InvalidRequestError {
  return new InvalidRequestError(detail);
}
