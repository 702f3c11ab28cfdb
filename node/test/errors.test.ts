import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import * as tollway from '../dist/index.js';
import { native } from '../dist/native.js';
import { openFile, PRICES, records, stopMock } from './support.js';

after(stopMock);

type ErrorClass = typeof tollway.TollwayError;

const CLASSES = Object.entries(tollway).filter(
  ([name, value]) => name.endsWith('Error') && value !== tollway.TollwayError,
) as [string, ErrorClass][];

test('each code has a class, and each class a code', () => {
  assert.deepEqual(CLASSES.map(([, kind]) => kind.defaultCode).sort(), native.errorCodes().sort());
  for (const [name, kind] of CLASSES) {
    const error = new kind('what was wrong');
    assert.ok(error instanceof tollway.TollwayError && error instanceof Error);
    assert.deepEqual([error.name, error.code, error.detail], [name, kind.defaultCode, 'what was wrong']);
  }
});

test('a provider’s error reaches the app with all its fields', async (context) => {
  const { tw, mock } = await openFile(context);
  const body = { error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } };
  const headers = { 'retry-after': '7', 'x-request-id': 'req-1' };
  const baseUrl = await mock.script('limited', [{ status: 429, headers, body }]);
  await tw.models.add('openai/limited', { apiKey: 'sk-secret-key', baseUrl, prices: PRICES });
  await assert.rejects(tw.chat('Hi', { model: 'openai/limited' }), (error: unknown) => {
    assert.ok(error instanceof tollway.RateLimitedError);
    assert.deepEqual(
      [error.code, error.provider, error.model, error.status, error.retryAfter, error.requestId, error.providerCode],
      ['rate_limited', 'openai', 'limited', 429, 7, 'req-1', 'rate_limit_exceeded'],
    );
    assert.equal(error.retryable, true);
    assert.match(error.message, /\[openai\/limited\]$/);
    assert.match(String(error.stack), /RateLimitedError/);
    assert.doesNotMatch(JSON.stringify(error) + error.stack, /sk-secret-key/);
    return true;
  });
  assert.equal((await records(tw))[0]?.errorCode, 'rate_limited');
});

test('a budget refuses a call that could pass it before it is sent', async (context) => {
  const { tw } = await openFile(context);
  await tw.budgets.set({ user: 'alice', limit: '0.0000001', currency: 'USD' });
  await assert.rejects(tw.chat('Hi', { user: 'alice' }), (error: unknown) => {
    assert.ok(error instanceof tollway.BudgetExceededError);
    assert.equal(error.retryable, false);
    assert.deepEqual([error.status, error.requestId], [null, null]);
    return true;
  });
});

test('deleting or calling what does not exist is an error of its kind', async (context) => {
  const { tw } = await openFile(context);
  await assert.rejects(tw.models.delete('openai/none'), tollway.NotFoundError);
  await assert.rejects(tw.budgets.delete(99), tollway.NotFoundError);
  await assert.rejects(tw.chat('Hi', { model: 'openai/none' }), tollway.NoRouteError);
  await assert.rejects(
    tollway.Tollway.open('/nowhere/at/all.tollway', { masterKey: '5e'.repeat(32) }),
    tollway.StorageError,
  );
});

/** Makes an error as the native module describes it. */
async function described(fields: object): Promise<tollway.TollwayError> {
  const internal: object = await import('../dist/errors.js');
  const { errorFromJson } = internal as { errorFromJson(text: string): tollway.TollwayError };
  const none = { provider: null, model: null, status: null, provider_code: null };
  return errorFromJson(JSON.stringify({ ...none, ...fields }));
}

test('an error with an unknown code is a plain TollwayError', async () => {
  const error = await described({ code: 'new_kind', detail: 'd', retryable: true });
  assert.equal(error.constructor, tollway.TollwayError);
  assert.deepEqual([error.code, error.detail, error.retryable], ['new_kind', 'd', true]);
});

test('details name options as they are named here, and leave what others wrote', async () => {
  const detailOf = async (fields: object): Promise<string> =>
    (await described({ code: 'invalid_request', ...fields })).detail;
  assert.equal(await detailOf({ detail: 'give `max_tokens`, or set base_url' }), 'give `maxTokens`, or set baseUrl');
  for (const detail of [
    'no model config is named "max_tokens"',
    'prices.input_token.conditions.max_results: give a range',
    'model parameter `max_tokens_field` is not known',
  ]) {
    assert.equal(await detailOf({ detail }), detail);
  }
  assert.equal(await detailOf({ detail: 'max_tokens is too large', status: 400 }), 'max_tokens is too large');
});

test('the argument that is wrong is told by its path', async (context) => {
  const { tw } = await openFile(context);
  const rounding = { minimumQuantity: '-1' };
  const prices = { input_token: { unitPrice: '1', unit: 'per_1m_tokens', currency: 'USD', rounding } } as const;
  await assert.rejects(tw.prices.set('openai/house-model', prices), (error: unknown) => {
    assert.ok(error instanceof tollway.InvalidRequestError);
    assert.equal(error.field, 'prices.input_token.rounding.minimumQuantity');
    return true;
  });
  await assert.rejects(tw.models.delete('openai/none'), { code: 'not_found', field: null });
});
