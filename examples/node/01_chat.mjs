// One call: what the model said, what it consumed, and what that cost.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tollway } from 'tollway';

const apiKey = process.env.OPENAI_API_KEY;
if (!apiKey) {
  console.error('Set OPENAI_API_KEY to a key of yours. OPENAI_BASE_URL may name another server of its format.');
  process.exit(1);
}
// A real app names a file that stays, and takes the master key, which seals the API keys in it, from a safe place.
const folder = await mkdtemp(join(tmpdir(), 'tollway-'));
const tw = await Tollway.open(join(folder, 'app.tollway'), { masterKey: 'a passphrase of yours' });
// Prices that are not given come from the bundled catalog.
await tw.models.set('openai/gpt-4o-mini', { apiKey, baseUrl: process.env.OPENAI_BASE_URL, default: true });

const reply = await tw.chat('Name three rivers.', { user: 'alice', tags: { feature: 'geography' } });

console.log(reply.text);
console.log(`model: ${reply.model}`);
console.log(`tokens: ${reply.usage.inputTokens} in, ${reply.usage.outputTokens} out`);
console.log(`cost: ${reply.cost} ${reply.currency}, ${reply.costStatus}`);
// Each amount is quantity times unit price, to the last digit; nothing is rounded.
for (const line of reply.receipt.lines) {
  console.log(`  ${line.meter}: ${line.quantity} at ${line.unitPrice} ${line.unit} is ${line.amount} ${line.currency}`);
}

await tw.close();
await rm(folder, { recursive: true });
