// A budget: a call that could pass the cap is refused before it is sent; what was spent is exact.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BudgetExceededError, decimal, Tollway } from 'tollway';

const apiKey = process.env.OPENAI_API_KEY;
if (!apiKey) {
  console.error('Set OPENAI_API_KEY to a key of yours. OPENAI_BASE_URL may name another server of its format.');
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'tollway-'));
const tw = await Tollway.open(join(folder, 'app.tollway'), { masterKey: 'a passphrase of yours' });
await tw.models.set('openai/gpt-4o-mini', { apiKey, baseUrl: process.env.OPENAI_BASE_URL, default: true });
await tw.budgets.set({ user: 'alice', limit: '0.001', currency: 'USD', window: 'month' });

// The most that a call can cost is held while it runs; then it is settled at what it did cost.
const reply = await tw.chat('Name three hills.', { user: 'alice', maxTokens: 100 });
console.log(`${reply.text} for ${reply.cost} ${reply.currency}`);

try {
  await tw.chat('Write a novel.', { user: 'alice', maxTokens: 10_000 });
} catch (error) {
  if (!(error instanceof BudgetExceededError)) {
    throw error;
  }
  console.log(`${error.code}: ${error.detail}`);
}

// Another user's calls are not capped.
console.log((await tw.chat('Write a haiku.', { user: 'bob' })).text);

const [budget] = await tw.budgets.list();
const { settled, reserved, remaining, limit } = budget;
console.log(`settled ${settled}, reserved ${reserved}, remaining ${remaining} of ${limit}`);
const { records } = await tw.usage.records({ user: 'alice' });
// Amounts are texts, which keep every digit; `decimal` adds and compares them exactly.
const spent = decimal.add(...records.map((record) => record.costAmount ?? '0'));
const verdict = decimal.compare(spent, settled) === 0 ? 'exact' : 'wrong';
console.log(`alice's ${records.length} record adds up to ${spent}: ${verdict}`);

await tw.close();
await rm(folder, { recursive: true });
