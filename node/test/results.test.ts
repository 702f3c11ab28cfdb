/** Results have the fields that their types say, all of them, and no other. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { formatReceipt, type Receipt } from '../dist/index.js';
import { openFile, PACKAGE, PRICES, records, stopMock } from './support.js';
import { fieldsOf } from './types-of.js';

after(stopMock);

const FOLDER = join(PACKAGE, 'dist', 'results');
const DECLARED = readdirSync(FOLDER).filter((name) => name.endsWith('.d.ts'));
const FIELDS = fieldsOf(...DECLARED.map((name) => join(FOLDER, name)));

/** Checks that an object has exactly the fields of an interface, none of them undefined. */
function check(value: unknown, name: string): void {
  assert.ok(typeof value === 'object' && value !== null, name);
  assert.deepEqual(Object.keys(value).sort(), FIELDS.get(name)?.toSorted(), name);
  assert.ok(!Object.values(value).includes(undefined), `${name} has no undefined field`);
}

/** Returns the first of a list, which must not be empty. */
function first<Item>(items: readonly Item[]): Item {
  const [item] = items;
  assert.ok(item !== undefined, 'the list is empty');
  return item;
}

test('replies, events and records have all their fields', async (context) => {
  const { tw } = await openFile(context);
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const tools = [{ type: 'function', function: { name: 'weather', parameters } }] as const;
  const reply = await tw.chat('Please use the tool', { tools });
  check(reply, 'ChatReply');
  check(reply.usage, 'Usage');
  check(reply.receipt, 'Receipt');
  check(first(reply.receipt.lines), 'ReceiptLine');
  check(first(reply.attempts), 'Attempt');
  check(first(reply.choices), 'Choice');
  check(first(reply.toolCalls), 'ToolCall');
  const { message } = first(reply.choices);
  assert.ok('tool_calls' in message, 'a message keeps the names of the provider, to be sent back');
  assert.deepEqual(Object.keys(JSON.parse(first(reply.toolCalls).arguments)), ['city']);

  const deltas = [];
  for await (const event of tw.chatStream('Please use the tool', { tools })) {
    check(event, 'StreamEvent');
    deltas.push(...event.toolCalls);
    if (event.reply !== null) {
      check(event.reply, 'ChatReply');
    }
  }
  check(first(deltas), 'ToolCallDelta');
  assert.equal(deltas.map((delta) => delta.arguments).join(''), first(reply.toolCalls).arguments);

  const page = await tw.usage.records();
  check(page, 'UsagePage');
  const record = first(page.records);
  check(record, 'UsageRecord');
  check(record.facts, 'Facts');
  check(record.usage, 'Usage');
  check(first(record.receipt), 'ReceiptLine');
  check(first(await tw.usage.summary({ by: ['model'] })), 'SummaryRow');
});

test('models, routes, budgets and rates have all their fields', async (context) => {
  const { tw } = await openFile(context);
  await tw.chat('Hi');
  check(first(await tw.models.list()), 'ModelConfig');
  check(first(await tw.models.used()), 'Model');
  check(first(await tw.models.health()), 'ModelHealth');
  const maximumCost = { amount: '1', currency: 'USD' };
  const route = await tw.routes.set('text', { strategy: 'economy', maximumCost });
  check(route, 'Route');
  check(route.maximumCost, 'Money');
  await tw.fx.set('USD', 'CNY', '7.1');
  check(first(await tw.fx.list()), 'FxRate');
  await tw.budgets.set({ limit: '5', currency: 'CNY' });
  check(first(await tw.budgets.list()), 'Budget');
  const tokens = await tw.budgets.set({ user: 'alice', limitTokens: 100_000 });
  assert.deepEqual([tokens.limit, tokens.currency], ['100000', null]);
  await tw.chat('Hi');
  const converted = (await records(tw)).find(({ conversions }) => conversions.length > 0);
  check(first(converted?.conversions ?? []), 'Conversion');
  const quote = await tw.quote('Hi', { user: 'alice' });
  check(quote, 'Quote');
  const candidate = first(quote.candidates);
  check(candidate, 'CandidateQuote');
  check(candidate.worst, 'QuotedCost');
  check(first(candidate.budgets), 'BudgetQuote');
  await tw.models.update('openai/slow', { active: false });
  check(first((await tw.quote('Hi')).passedOver), 'PassedOver');
});

test('prices, price lists and reratings have all their fields', async (context) => {
  const { tw } = await openFile(context);
  const folder = mkdtempSync(join(tmpdir(), 'tollway-prices-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await tw.chat('one two', { model: 'openai/house-model' });
  const rounding = { minimumQuantity: 10, step: '5', minimumCharge: '0.001' };
  const modifier = { group: 'batch', meters: ['input_token'], excludes: ['night'] } as const;
  const prices = await tw.prices.add('openai/house-model', {
    input_token: { ...PRICES.input_token, unitPrice: '1.00', rounding, effectiveDate: '2026-01-01' },
    modifier: { unitPrice: '0.5', unit: 'ratio', currency: 'USD', modifier },
  });
  const rounded = prices.find(({ rounding }) => rounding !== null);
  check(rounded, 'Price');
  check(rounded?.rounding, 'Rounding');
  assert.deepEqual(rounded?.rounding?.minimumCharge, '0.001');
  check(prices.find((price) => price.modifier !== null)?.modifier, 'Modifier');
  const superseded = (await tw.prices.list()).find((price) => price.superseded !== null);
  check(superseded?.superseded, 'Superseded');

  const reply = await tw.chat('one two', { model: 'openai/house-model' });
  const line = first(reply.receipt.lines);
  assert.equal(line.billedQuantity, 10);
  check(first(line.modifiers), 'AppliedModifier');

  const report = await tw.prices.rerate('2026-01-01', { book: 'as_known_now' });
  check(report, 'RerateReport');
  check(first(report.lines), 'RerateLine');

  const book = join(folder, 'book.json');
  check(await tw.prices.export(book), 'PriceExport');
  assert.equal((await tw.prices.rerate('2026-01-01', { book, format: 'tollway', model: 'openai/none' })).records, 0);
  const list = join(folder, 'list.json');
  const entry = {
    litellm_provider: 'openai',
    input_cost_per_token: 1e-7,
    output_cost_per_token: 2e-7,
    some_new_cost_per_thing: 5,
  };
  writeFileSync(list, JSON.stringify({ 'house-model': { ...entry, mode: 'chat' } }));
  const imported = await tw.prices.importFile(list, { format: 'litellm' });
  check(imported, 'PriceImport');
  check(imported.report, 'ImportReport');
  check(first(imported.report.notUnderstood), 'NotUnderstood');
  check(imported.update, 'PriceUpdate');
  check(first(imported.update.proposals), 'PriceProposal');
  assert.equal(imported.update.applied, false);
  assert.ok(Array.isArray(await tw.prices.lint()));
  await tw.prices.expire(first(prices));
});

test('a receipt with all that a line may have prints as the Python package prints it', () => {
  const line = {
    attempt: 1,
    model: 'a/m',
    note: null,
    quantity: 2,
    billedQuantity: null,
    priceId: 1,
    modifiers: [],
    currency: 'USD',
  };
  const batch = { group: 'batch', ratio: '0.50', priceId: 2 };
  const receipt: Receipt = {
    lines: [
      { ...line, meter: null, unitPrice: null, unit: null, amount: null, currency: null, note: 'ünpriced 漢😀' },
      { ...line, attempt: 12, meter: 'input_token', unitPrice: '0.15', unit: 'per_1m_tokens', amount: '0.0000003' },
      {
        ...line,
        meter: 'tts_character',
        note: 'surcharge',
        quantity: '2.5',
        billedQuantity: 10,
        unitPrice: '1',
        unit: 'per_character',
        amount: '10',
        modifiers: [batch, { ...batch, ratio: '2' }],
      },
    ],
    totals: { USD: '10.0000003', CNY: '0' },
  };
  assert.equal(formatReceipt(receipt), EXPECTED.slice(1));
});

const EXPECTED = `
attempt  model  meter                       quantity  unit price  unit           times         amount
      1  a/m    (ünpriced 漢😀)                      2           -  -                          unpriced
     12  a/m    input_token                        2        0.15  per_1m_tokens             0.0000003  USD
      1  a/m    tts_character (surcharge)  2.5 as 10           1  per_character  0.50 x 2          10  USD
  total                                                                                    10.0000003  USD
  total                                                                                             0  CNY`;
