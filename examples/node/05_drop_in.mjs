// The drop-in: OpenAI's own library, unchanged but for one line; another vendor's model answers, and it is billed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { Tollway } from 'tollway';

const apiKey = process.env.ANTHROPIC_API_KEY;
if (!apiKey) {
  console.error('Set ANTHROPIC_API_KEY to a key of yours. ANTHROPIC_BASE_URL may name another server of its format.');
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'tollway-'));
const tw = await Tollway.open(join(folder, 'app.tollway'), { masterKey: 'a passphrase of yours' });
const model = 'anthropic/claude-haiku-4-5';
await tw.models.set(model, { apiKey, baseUrl: process.env.ANTHROPIC_BASE_URL });
await tw.budgets.set({ limit: '0.05', currency: 'USD', window: 'month' });

// The one line. The library wants a key but none is used: the key is in the file, and no socket is opened here.
const client = new OpenAI({ apiKey: 'unused', fetch: tw.fetch({ user: 'alice' }) });

const ask = (content) => ({ model, messages: [{ role: 'user', content }], max_tokens: 100 });
const completion = await client.chat.completions.create(ask('Name three rivers.'));
console.log(completion.choices[0].message.content);
const bill = completion.tollway;
console.log(`${bill.model} for ${bill.cost} ${bill.currency}, ${bill.cost_status}`);

const stream = await client.chat.completions.create({ ...ask('Name three seas.'), stream: true });
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? '');
}
console.log();

try {
  await client.chat.completions.create({ ...ask('Go on.'), max_tokens: 20_000 });
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) {
    throw error;
  }
  // A refusal of Tollway's is an error of the library's own kind.
  console.log(`${error.status} ${error.code}`);
}

for (const record of (await tw.usage.records()).records) {
  console.log(`${record.user}, ${record.model}, ${record.status}, ${record.costAmount} ${record.currency}`);
}

await tw.close();
await rm(folder, { recursive: true });
