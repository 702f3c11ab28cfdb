/** Errors as the AI SDK tells them. */

import { TollwayError } from '../errors.js';

/** The status by which HTTP clients know a kind of error; 500 for the kinds that are not here. */
const STATUSES: Readonly<Record<string, number>> = {
  budget_exceeded: 402,
  quota_exceeded: 402,
  pool_exhausted: 402,
  unpriced: 402,
  currency_mismatch: 402,
  no_route: 404,
  not_found: 404,
  rate_limited: 429,
  provider_quota_exhausted: 429,
  provider_unavailable: 503,
  invalid_request: 400,
  context_length_exceeded: 400,
  content_filtered: 400,
  authentication: 401,
  permission_denied: 403,
  timeout: 504,
  cancelled: 499,
  idempotency_conflict: 409,
};

/**
 * Makes the AI SDK's `APICallError` of an error of the engine; other errors, such as the reason of a signal, stay as they
 * are. The AI SDK's package is loaded here and not before, and as a module, which is all that it is; where it is not installed,
 * nobody asks for its errors.
 */
export async function callError(error: unknown, requestBodyValues: unknown): Promise<unknown> {
  if (!(error instanceof TollwayError)) {
    return error;
  }
  const loaded = await import('@ai-sdk/provider').catch(() => undefined);
  if (loaded === undefined) {
    return error;
  }
  return new loaded.APICallError({
    message: error.message,
    url: 'tollway:chat',
    requestBodyValues,
    statusCode: STATUSES[error.code] ?? 500,
    responseBody: JSON.stringify({ error: { code: error.code, message: error.detail } }),
    ...(error.retryAfter === null ? {} : { responseHeaders: { 'retry-after': String(Math.ceil(error.retryAfter)) } }),
    cause: error,
    // What a retry can do, the engine has done.
    isRetryable: false,
    data: error,
  });
}
