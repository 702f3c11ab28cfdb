/**
 * Tollway: an embedded AI gateway with a billing ledger.
 *
 * `await Tollway.open(path, { masterKey })` opens a file, and makes it at first use. Importing opens no file, starts no thread
 * and uses no network.
 */

export { Tollway } from './client.js';
export * as decimal from './decimal.js';
export * from './error-kinds.js';
export { type BudgetRefusal, type ErrorAttributes, type FailedAttempt, TollwayError } from './error.js';
export type { LogListener, LogRecord } from './logs.js';
export * from './nouns.js';
export { formatReceipt } from './receipt.js';
export type * from './results.js';
export { ChatStream } from './stream.js';
export type * from './types.js';
