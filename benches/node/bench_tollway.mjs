// The Node package as a contestant: reads a setup and then rounds, a line of JSON each, and answers each round.
// The driver starts it and names the package's folder in TOLLWAY_BENCH_NODE; see `benches/README.md`.

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const WORDS = { whole: 20, stream: 100 };
const MESSAGES = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Name three rivers and where they end.' },
];
const MASTER_KEY = '0f'.repeat(32);

const folder = process.env.TOLLWAY_BENCH_NODE;
const { Tollway } = await import(folder ? pathToFileURL(join(folder, 'dist', 'index.mjs')).href : 'tollway');

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setup = JSON.parse((await lines.next()).value);
const tw = await Tollway.open(join(setup.folder, 'app.tollway'), { masterKey: MASTER_KEY });
await configure(setup.mock);
for await (const line of lines) {
  process.stdout.write(`${JSON.stringify(await play(JSON.parse(line)))}\n`);
}
await tw.close();

/** Adds the models, with prices, and a budget that applies to every call. */
async function configure(mock) {
  const price = (amount) => ({ unitPrice: amount, unit: 'per_1m_tokens', currency: 'USD' });
  const prices = { input_token: price('0.15'), output_token: price('0.60') };
  for (const words of Object.values(WORDS)) {
    await tw.models.add(`openai/mock-words-${words}`, { apiKey: 'sk-bench', baseUrl: `${mock}/v1`, prices });
  }
  await tw.budgets.set({ user: 'bench', limit: '1000000', currency: 'USD', window: 'month' });
}

/** Runs a round and says what it took. */
async function play({ shape, in_flight: inFlight, seconds, count }) {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const worker = async () => {
    let calls = 0;
    do {
      await (shape === 'whole' ? whole() : streamed());
      calls += 1;
    } while (performance.now() < end);
    return calls;
  };
  const counts = await Promise.all(Array.from({ length: inFlight }, worker));
  const used = process.cpuUsage(cpu);
  return {
    calls: counts.reduce((sum, calls) => sum + calls, 0),
    seconds: (performance.now() - begin) / 1000,
    cpu_seconds: (used.user + used.system) / 1e6,
    records: count ? (await tw.usage.summary()).reduce((sum, row) => sum + row.calls, 0) : null,
  };
}

async function whole() {
  check(await tw.chat({ messages: MESSAGES, ...parameters('whole') }), 'whole');
}

async function streamed() {
  const stream = tw.chatStream({ messages: MESSAGES, ...parameters('stream') });
  let pieces = 0;
  for await (const event of stream) pieces += event.text ? 1 : 0;
  if (pieces !== WORDS.stream || !stream.reply) throw new Error(`the stream had ${pieces} pieces`);
  check(stream.reply, 'stream');
}

function parameters(shape) {
  return { model: `openai/mock-words-${WORDS[shape]}`, maxTokens: 200, user: 'bench' };
}

/** Refuses a reply that was cut or has no cost, which would make the figures worthless. */
function check(reply, shape) {
  if (reply.text.split(/\s+/).length !== WORDS[shape] || reply.costStatus !== 'computed') {
    throw new Error(`a reply of ${WORDS[shape]} words was expected, not ${reply.text} at ${reply.cost}`);
  }
}
