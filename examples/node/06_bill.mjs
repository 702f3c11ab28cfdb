// The bill: totals by user and model, a statement of every record, and what the calls would cost at another price.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tollway } from 'tollway';

const { ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, OPENAI_API_KEY, OPENAI_BASE_URL } = process.env;
if (!ANTHROPIC_API_KEY || !OPENAI_API_KEY) {
  console.error(
    'Set ANTHROPIC_API_KEY and OPENAI_API_KEY; ANTHROPIC_BASE_URL and OPENAI_BASE_URL may name other servers.',
  );
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'tollway-'));
const tw = await Tollway.open(join(folder, 'app.tollway'), { masterKey: 'a passphrase of yours' });
const [gpt, claude] = ['openai/gpt-4o-mini', 'anthropic/claude-haiku-4-5'];
await tw.models.set(gpt, { apiKey: OPENAI_API_KEY, baseUrl: OPENAI_BASE_URL });
await tw.models.set(claude, { apiKey: ANTHROPIC_API_KEY, baseUrl: ANTHROPIC_BASE_URL });
for (const [user, model, question] of [
  ['alice', gpt, 'Name three rivers.'],
  ['alice', claude, 'Name three lakes of the north.'],
  ['bob', claude, 'Name a sea.'],
]) {
  await tw.chat(question, { model, user });
}

for (const row of await tw.usage.summary({ by: ['user', 'model'] })) {
  // Amounts of two currencies are never added: there is a total for each.
  const totals = Object.entries(row.totals).map(([currency, amount]) => `${amount} ${currency}`);
  console.log(`${row.group.user}, ${row.group.model}: ${row.calls} call for ${totals.join(', ')}`);
}

console.log('\nThe statement:');
console.log('day,user,model,input tokens,output tokens,amount,currency');
for await (const record of tw.usage.iterate()) {
  const { inputTokens, outputTokens } = record.usage;
  const columns = [record.createdAt.slice(0, 10), record.user, record.model, inputTokens, outputTokens];
  console.log([...columns, record.costAmount, record.currency].join(','));
}

console.log('\nWith output at 6.00 USD a million, and nothing written:');
await tw.prices.set(claude, { output_token: { unitPrice: '6.00', unit: 'per_1m_tokens', currency: 'USD' } });
const report = await tw.prices.rerate('2020-01-01', { book: 'in_force_now' });
for (const line of report.lines) {
  console.log(`${line.model}: ${line.newCost} instead of ${line.oldCost} ${line.currency}`);
}
console.log(`difference: ${report.differences.USD} USD`);

await tw.close();
await rm(folder, { recursive: true });
