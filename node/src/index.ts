/**
 * Tollway: an embedded AI gateway with a billing ledger.
 *
 * `await Tollway.open(path, { masterKey })` opens a file, and makes it at first use. Importing opens no file, starts no thread
 * and uses no network.
 */

export { Tollway } from './client.js';
export * as decimal from './decimal.js';
export {
  AuthenticationError,
  BudgetExceededError,
  type BudgetRefusal,
  CallTimeoutError,
  CancelledError,
  ClosedError,
  ContentFilteredError,
  ContextLengthExceededError,
  CorruptedFileError,
  CurrencyMismatchError,
  type ErrorAttributes,
  type FailedAttempt,
  ForkedError,
  IdempotencyConflictError,
  InternalError,
  InvalidRequestError,
  NewerFileError,
  NoRouteError,
  NotATollwayFileError,
  NotFoundError,
  PermissionDeniedError,
  ProviderQuotaExhaustedError,
  ProviderUnavailableError,
  RateLimitedError,
  StorageError,
  TollwayError,
  UnpricedError,
  WrongMasterKeyError,
} from './errors.js';
export type { LogListener, LogRecord } from './logs.js';
export * from './nouns.js';
export { formatReceipt } from './receipt.js';
export type * from './results.js';
export { ChatStream } from './stream.js';
export type * from './types.js';
