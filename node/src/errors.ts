/** Errors: one base class, and one class per kind. Each says what the caller must do. */

import { type BudgetRefusal, type FailedAttempt, TollwayError } from './error.js';
import * as kinds from './error-kinds.js';
import { inOurWords } from './wording.js';

export { type BudgetRefusal, type ErrorAttributes, type FailedAttempt, TollwayError } from './error.js';
export * from './error-kinds.js';

const CLASSES = new Map<string, typeof TollwayError>(Object.values(kinds).map((kind) => [kind.defaultCode, kind]));

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
export function invalid(detail: string): kinds.InvalidRequestError {
  return new kinds.InvalidRequestError(detail);
}
