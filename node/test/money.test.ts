import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { decimal, InvalidRequestError } from '../dist/index.js';
import { moneyText } from '../dist/values.js';
import { openFile, PRICES, records, stopMock } from './support.js';

after(stopMock);

/** Returns the paths of all numbers that are not whole. */
function fractions(value: unknown, path = ''): string[] {
  if (typeof value === 'number') {
    return Number.isInteger(value) ? [] : [path];
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([name, each]) =>
    name === 'coolingFor' ? [] : fractions(each, `${path}.${name}`),
  );
}

test('no result holds an amount as a number', async (context) => {
  const { tw } = await openFile(context);
  const reply = await tw.chat('Name three rivers.', { user: 'alice' });
  await tw.budgets.set({ user: 'alice', limit: '5.00', currency: 'USD', window: 'month' });
  const events = [];
  for await (const event of tw.chatStream('Name three rivers.', { user: 'alice' })) {
    events.push(event);
  }
  const results = {
    reply,
    events,
    records: await records(tw),
    summary: await tw.usage.summary({ by: 'model' }),
    budgets: await tw.budgets.list(),
    prices: await tw.prices.list(),
    models: await tw.models.list(),
    quote: await tw.quote('Hi'),
  };
  assert.deepEqual(fractions(results), []);
  assert.deepEqual(fractions({ here: [1.5] }), ['.here.0'], 'the search finds fractions');
  const amounts = [
    reply.cost,
    reply.receipt.lines[0]?.amount,
    results.budgets[0]?.remaining,
    results.prices[0]?.unitPrice,
  ];
  assert.deepEqual(
    amounts.map((amount) => typeof amount),
    ['string', 'string', 'string', 'string'],
  );
});

test('a fraction as a number is refused wherever money is taken', async (context) => {
  const { tw } = await openFile(context);
  const wrong = { ...PRICES, input_token: { ...PRICES.input_token, unitPrice: 0.15 } };
  const expected = { name: 'InvalidRequestError', message: /must be exact: pass a string/ };
  await assert.rejects(tw.models.add('openai/other', { prices: wrong }), expected);
  await assert.rejects(tw.prices.set('openai/house-model', wrong), expected);
  await assert.rejects(tw.budgets.set({ limit: 0.1, currency: 'USD' }), expected);
  await assert.rejects(
    tw.routes.set('text', { strategy: 'economy', maximumCost: { amount: 0.1, currency: 'USD' } }),
    expected,
  );
  await assert.rejects(tw.usage.price('uid', 0.1, 'USD'), expected);
  await assert.rejects(tw.fx.set('USD', 'CNY', 7.1), expected);
  const rounding = { minimumQuantity: 0.5 };
  await assert.rejects(tw.prices.set('openai/slow', { input_token: { ...PRICES.input_token, rounding } }), expected);
  const conditions = { duration: { above: 7.5 } };
  await assert.rejects(tw.prices.set('openai/slow', { input_token: { ...PRICES.input_token, conditions } }), {
    message: /pass a whole number or a string/,
  });
});

test('amounts keep every digit', async (context) => {
  const { tw } = await openFile(context);
  const exact = '0.123456789012345678';
  const prices = { request: { unitPrice: exact, unit: 'per_request', currency: 'USD' } } as const;
  await tw.models.add('openai/exact', { baseUrl: 'http://127.0.0.1:9/v1', prices });
  assert.equal((await tw.prices.list('openai/exact'))[0]?.unitPrice, exact);
  assert.equal((await tw.budgets.set({ user: 'alice', limit: '5.00', currency: 'USD' })).limit, '5.00');
  const great = await tw.budgets.set({ user: 'bob', limit: 1234567890n, currency: 'USD' });
  assert.equal(great.limit, '1234567890');
});

test('money is written without an exponent', () => {
  const cases: [string | number | bigint, string][] = [
    ['5.00', '5.00'],
    [5, '5'],
    [5n, '5'],
    ['1E-7', '0.0000001'],
    ['1e+3', '1000'],
    ['1.5e1', '15'],
    ['12.345e-1', '1.2345'],
    [' 5 ', '5'],
    ['.5', '0.5'],
    ['-0.10', '-0.10'],
    ['+5', '5'],
    ['007', '7'],
  ];
  for (const [value, text] of cases) {
    assert.equal(moneyText(value, 'limit'), text);
  }
});

test('a value that is no amount is refused before its digits are written out', () => {
  for (const value of ['five', '', '.', 'NaN', 'Infinity', '1,5', '0x10', '5 USD']) {
    assert.throws(() => moneyText(value, 'limit'), { name: 'InvalidRequestError', message: /limit must be/ });
  }
  for (const value of ['1e999999999', '1e-999999999', '9'.repeat(200), 10n ** 200n]) {
    assert.throws(() => moneyText(value, 'rate'), { message: /rate has too many digits/ });
  }
  const untyped: unknown[] = [0.1, true, null, 2 ** 60, Number.NaN, { a: 1 }];
  for (const value of untyped) {
    assert.throws(() => moneyText(value as string, 'limit'), { message: /limit is money/ });
  }
});

test('decimals are added, subtracted, multiplied and compared exactly', () => {
  assert.equal(decimal.add('0.1', '0.2'), '0.3');
  assert.equal(decimal.add('0.1', '-0.10'), '0.00');
  assert.equal(decimal.add(), '0');
  assert.equal(decimal.add('99999999999999999999.9', '0.1', '1'), '100000000000000000001.0');
  assert.equal(decimal.subtract('1', '0.0000001'), '0.9999999');
  assert.equal(decimal.subtract('0.05', '1'), '-0.95');
  assert.equal(decimal.multiply('0.00000345', '1000000'), '3.45000000');
  assert.equal(decimal.multiply('-1.5', '1.5'), '-2.25');
  assert.deepEqual(
    [decimal.compare('0.1', '0.10'), decimal.compare('-1', '0'), decimal.compare('10', '9.99')],
    [0, -1, 1],
  );
  for (const wrong of ['', '1e5', 'x', '1.2.3', 5 as unknown as string]) {
    assert.throws(() => decimal.add(wrong), InvalidRequestError);
  }
});
