/** An open file with models of three vendors, and what its ledger must say after a call. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

import { decimal, type PriceMap, type Settings, Tollway, type UsageRecord } from '../../dist/index.js';
import { eventually, MASTER_KEY, type MockProvider, mockProvider, records, temporaryPath } from '../support.js';

export { stopMock } from '../support.js';

/** What a million tokens cost, by model. */
const RATES: Readonly<Record<string, readonly [input: string, output: string]>> = {
  'openai/house-model': ['0.15', '0.60'],
  'openai/trickle': ['0.15', '0.60'],
  'openai/slow': ['0.15', '0.60'],
  'openai/limited': ['0.15', '0.60'],
  'anthropic/house-claude': ['1.00', '5.00'],
  'anthropic/limited-claude': ['1.00', '5.00'],
  'gemini/house-gemini': ['0.30', '2.50'],
};

/** Models whose provider answers by itself; the first is the default. */
export const HOUSE = ['openai/house-model', 'anthropic/house-claude', 'gemini/house-gemini'] as const;
/** Who calls, and the tags, in every test. */
export const CALLER = { user: 'alice', tags: { feature_name: 'geo' } } as const;
/** Words enough that a stream of them is under way for seconds. */
export const LONG = 'word '.repeat(200).trim();
/** A tool, as JSON schema. */
export const CITY_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
} as const;
/** What the mock provider says for that schema: one token, and one more for the name of a tool that it calls. */
export const CITY = { city: 'mock' } as const;
/** What makes the mock provider call the first tool, and the result that it is told. */
export const TOOL_QUESTION = 'Please use the tool now.';
export const TOOL_RESULT = 'It rains.';

/** An open file, and the provider that plays all vendors. */
export interface Opened {
  readonly tw: Tollway;
  readonly mock: MockProvider;
  readonly path: string;
}

function pricesOf(name: string): PriceMap {
  const [input, output] = ratesOf(name);
  const price = (unitPrice: string) => ({ unitPrice, unit: 'per_1m_tokens', currency: 'USD' }) as const;
  return { input_token: price(input), output_token: price(output) };
}

function ratesOf(name: string): readonly [string, string] {
  const rates = RATES[name];
  assert.ok(rates, `${name} has a price`);
  return rates;
}

/**
 * Opens a file with models of three vendors, one that trickles its words, one that takes half a minute, and two that are
 * limited.
 */
export async function openVendors(context: TestContext, settings: Settings = {}): Promise<Opened> {
  const mock = await mockProvider();
  const path = temporaryPath(context);
  const tw = await Tollway.open(path, { masterKey: MASTER_KEY, maxRetries: 0, ...settings });
  context.after(() => tw.close());
  const add = async (name: string, baseUrl: string, isDefault = false): Promise<void> => {
    await tw.models.add(name, { apiKey: 'k', baseUrl, prices: pricesOf(name), default: isDefault });
  };
  for (const name of HOUSE) {
    await add(name, mock.address, name === HOUSE[0]);
  }
  await add('openai/trickle', await mock.script('trickle', [{ automatic: true, chunk_delay_ms: 30 }]));
  await add('openai/slow', await mock.script('slow', [{ automatic: true, delay_ms: 30_000 }]));
  const limited = await mock.script('limited', [{ status: 429, automatic: true, headers: { 'retry-after': '30' } }]);
  await add('openai/limited', limited);
  await add('anthropic/limited-claude', limited);
  return { tw, mock, path };
}

/** Counts tokens as the mock provider does: the words. */
export function words(...texts: readonly string[]): number {
  return texts.reduce((count, text) => count + text.split(/\s+/).filter((word) => word !== '').length, 0);
}

/** What the record of an attempt must say. */
export interface Expected {
  readonly model: string;
  /** `success` where left out. A failed attempt has no tokens, and cost nothing. */
  readonly status?: string;
  readonly input?: number;
  readonly output?: number;
}

/** Returns what tokens of a model cost, exactly. */
export function costOf(model: string, input: number, output: number): string {
  const [inputRate, outputRate] = ratesOf(model);
  const millions = decimal.add(
    decimal.multiply(inputRate, String(input)),
    decimal.multiply(outputRate, String(output)),
  );
  return decimal.multiply(millions, '0.000001');
}

/** Returns the two attempts of a round with a tool. Where a format nests the result, the mock provider does not count it. */
export function toolRound(model: string): [Expected, Expected] {
  const asked = { model, input: words(TOOL_QUESTION), output: 2 };
  const input = words(TOOL_QUESTION, model.startsWith('gemini/') ? '' : TOOL_RESULT);
  // Anthropic's results are messages of the user, which the mock provider repeats; else it says that it heard nothing.
  const output = model.startsWith('anthropic/') ? words('You said:', TOOL_RESULT) : words('You said nothing.');
  return [asked, { model, input, output }];
}

/** Checks that the ledger holds these attempts and no others, in this order, each as exact as the prices are. */
export async function checkLedger(tw: Tollway, ...expected: readonly Expected[]): Promise<readonly UsageRecord[]> {
  const found = await records(tw);
  assert.deepEqual(
    found.map(({ model, status }) => [model, status]),
    expected.map(({ model, status = 'success' }) => [model, status]),
  );
  for (const [place, record] of found.entries()) {
    const { model, status = 'success', input = 0, output = 0 } = expected[place] as Expected;
    assert.equal(record.user, CALLER.user);
    assert.deepEqual(record.tags, CALLER.tags);
    assert.ok(record.costAmount !== null);
    assert.equal(
      decimal.compare(record.costAmount, costOf(model, input, output)),
      0,
      `${model} cost ${record.costAmount}`,
    );
    if (status === 'success') {
      assert.deepEqual([record.currency, record.costStatus, record.billedBy], ['USD', 'computed', 'provider_usage']);
      assert.deepEqual([record.usage.inputTokens, record.usage.outputTokens], [input, output]);
    } else {
      assert.deepEqual([record.billedBy, record.errorCode], ['not_billed', 'rate_limited']);
    }
  }
  return found;
}

/** Waits for the one record of a stream that was left, and checks by what it was billed: the input, and the output by then. */
export async function checkGivenUp(tw: Tollway, mock: MockProvider, prompt: string): Promise<UsageRecord> {
  const [record, ...others] = await eventually(async () => {
    const found = await records(tw);
    return found.length > 0 ? found : null;
  });
  assert.ok(record);
  assert.equal(others.length, 0);
  assert.deepEqual([record.user, record.tags, record.model], [CALLER.user, CALLER.tags, 'openai/trickle']);
  assert.ok(['cancelled', 'partial'].includes(record.status), record.status);
  assert.deepEqual([record.costStatus, record.billedBy], ['estimated', 'estimate']);
  const { inputTokens, outputTokens } = record.usage;
  assert.ok(inputTokens !== null && outputTokens !== null);
  assert.ok(outputTokens < words(prompt), `${outputTokens} tokens of output were billed`);
  assert.equal(record.costAmount, costOf('openai/trickle', inputTokens, outputTokens));
  // The provider heard of it, too.
  await eventually(async () => (await scriptCounts(mock, 'trickle')).aborted > 0);
  return record;
}

/** Returns what the provider counted of a script's requests. */
export async function scriptCounts(mock: MockProvider, script: string): Promise<{ started: number; aborted: number }> {
  const counts = (await (await fetch(`${mock.address}/_mock/counts`)).json()) as {
    scripts: Record<string, { started: number; aborted: number }>;
  };
  return counts.scripts[script] ?? { started: 0, aborted: 0 };
}

/** Caps the caller at less than any call costs. */
export async function exhaustBudget(tw: Tollway): Promise<void> {
  await tw.budgets.set({ user: CALLER.user, limit: '0.00000001', currency: 'USD' });
}

/** Checks that nothing was asked of a provider, nor written to the ledger. */
export async function checkRefused(tw: Tollway): Promise<void> {
  assert.deepEqual(await records(tw), []);
  const [budget] = await tw.budgets.list();
  assert.equal(budget?.reserved, '0');
}
