// Streams: one that is read to its end, and one that is left early and billed all the same.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tollway } from 'tollway';

const apiKey = process.env.OPENAI_API_KEY;
if (!apiKey) {
  console.error('Set OPENAI_API_KEY to a key of yours. OPENAI_BASE_URL may name another server of its format.');
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'tollway-'));
const open = () => Tollway.open(join(folder, 'app.tollway'), { masterKey: 'a passphrase of yours' });
let tw = await open();
await tw.models.set('openai/gpt-4o-mini', { apiKey, baseUrl: process.env.OPENAI_BASE_URL, default: true });

const stream = tw.chatStream('Name three seas.', { user: 'alice' });
for await (const event of stream) {
  process.stdout.write(event.text);
}
console.log();
// The last event comes once the cost is in the file.
console.log(`cost: ${stream.reply.cost} ${stream.reply.currency}`);

let heard = '';
for await (const event of tw.chatStream('Tell me a long story.', { user: 'alice' })) {
  process.stdout.write(event.text);
  heard += event.text;
  if (heard.length > 20) {
    // Leaving the loop closes the connection; by default what arrived is billed.
    break;
  }
}
console.log(' ... enough');
// Waits for the bill of the stream that was left.
await tw.close();

tw = await open();
for (const record of (await tw.usage.records()).records) {
  const { inputTokens, outputTokens } = record.usage;
  const cost = `${record.costAmount} ${record.currency}, ${record.costStatus}, by ${record.billedBy}`;
  console.log(`${record.status}: ${inputTokens} tokens in, ${outputTokens} out, ${cost}`);
}

await tw.close();
await rm(folder, { recursive: true });
