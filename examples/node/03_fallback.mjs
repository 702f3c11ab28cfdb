// A fallback: the first vendor refuses for too many requests, and another vendor's model answers.

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
// The lower number is tried first.
await tw.models.set('anthropic/claude-haiku-4-5', {
  apiKey: ANTHROPIC_API_KEY,
  baseUrl: ANTHROPIC_BASE_URL,
  priority: 1,
  default: true,
});
await tw.models.set('openai/gpt-4o-mini', { apiKey: OPENAI_API_KEY, baseUrl: OPENAI_BASE_URL, priority: 2 });
await tw.routes.set('text', { strategy: 'fallback' });

// By default a model that refuses is asked twice more before the next one is; here the next one is asked at once.
const reply = await tw.chat('Name three lakes.', { user: 'alice', maxRetries: 0 });

console.log(reply.text);
console.log(`answered by ${reply.model} for ${reply.cost} ${reply.currency}`);
for (const attempt of reply.attempts) {
  const outcome = attempt.errorCode === null ? attempt.status : `${attempt.status}, ${attempt.errorCode}`;
  console.log(`  attempt ${attempt.number}: ${attempt.model}: ${outcome}, ${attempt.cost} ${attempt.currency}`);
}

await tw.close();
await rm(folder, { recursive: true });
