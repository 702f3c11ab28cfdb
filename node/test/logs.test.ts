import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { type LogRecord, type OpenOptions, Tollway, type TollwayError } from '../dist/index.js';
import {
  eventually,
  MASTER_KEY,
  mockProvider,
  PACKAGE,
  PRICES,
  runProgram,
  sleep,
  stopMock,
  temporaryPath,
} from './support.js';

after(stopMock);

const KEY = 'sk-house-0123456789abcdef';
const PROMPT = 'the merger is secret';
const FAILED = { status: 503, body: { error: { message: `key ${KEY} asked ${PROMPT}`, code: 'broken' } } };
const ANSWERED = { automatic: true };

/** An open file that keeps what it logs. */
async function openLogged(
  context: TestContext,
  options: Omit<OpenOptions, 'masterKey'> = {},
): Promise<{ tw: Tollway; take: (count: number) => Promise<LogRecord[]> }> {
  const kept: LogRecord[] = [];
  const onLog = (record: LogRecord): void => void kept.push(record);
  const tw = await Tollway.open(temporaryPath(context), { masterKey: MASTER_KEY, onLog, ...options });
  context.after(() => tw.close());
  const take = async (count: number): Promise<LogRecord[]> => {
    await eventually(() => kept.length >= count);
    // One too many would come at once.
    await sleep(20);
    assert.equal(kept.length, count, JSON.stringify(kept));
    return kept.splice(0);
  };
  return { tw, take };
}

async function add(tw: Tollway, name: string, baseUrl: string, prices: object = PRICES): Promise<number> {
  return (await tw.models.add(name, { apiKey: KEY, baseUrl, prices: prices as typeof PRICES })).id;
}

function assertRecord(record: LogRecord | undefined, expected: Partial<LogRecord>): void {
  assert.ok(record);
  const { fields = {}, ...rest } = expected;
  for (const [name, value] of Object.entries(rest)) {
    assert.equal(record[name as keyof LogRecord], value);
  }
  for (const [name, value] of Object.entries(fields)) {
    assert.equal(record.fields[name], value, `${name} of ${JSON.stringify(record)}`);
  }
}

test('a retry and a call without a price are records with their fields', async (context) => {
  const mock = await mockProvider();
  const { tw, take } = await openLogged(context);
  await add(tw, 'house/llama', await mock.script('log-retry', [FAILED, ANSWERED]), {});
  const begin = Date.now();
  const reply = await tw.chat(PROMPT, { model: 'house/llama' });
  const [retry, unpriced] = await take(2);
  const call = { requestId: reply.requestId, provider: 'house', model: 'llama' };
  const told = { target: 'tollway.call', level: 'info' } as const;
  assertRecord(retry, { ...told, fields: { ...call, attempt: 1, code: 'provider_unavailable', status: 503 } });
  assert.match(
    retry?.message ?? '',
    /^house\/llama failed \(provider_unavailable, status 503\); trying again in 0\.\d s$/,
  );
  const wait = retry?.fields['wait'];
  assert.ok(typeof wait === 'number' && wait >= 0.3 && wait <= 0.5);
  const recordUid = reply.attempts[1]?.recordUid ?? '';
  assertRecord(unpriced, { ...told, fields: { ...call, attempt: 2, code: 'unpriced', recordUid } });
  const time = Date.parse(retry?.time ?? '');
  assert.ok(time >= begin - 1 && time <= Date.now(), retry?.time);
  const text = JSON.stringify([retry, unpriced]);
  assert.ok(!text.includes(KEY) && !text.includes('merger'), text);
});

test('a fallback and the beginning and the end of a cooldown are records', async (context) => {
  const mock = await mockProvider();
  const { tw, take } = await openLogged(context, { cooldownFailures: 1, cooldown: 0, maxRetries: 0 });
  const modelConfigId = await add(tw, 'house/first', await mock.script('log-fallback', [FAILED, ANSWERED]));
  await add(tw, 'spare/second', mock.baseUrl);
  const { requestId } = await tw.chat('Hi', { model: 'house/first', fallbacks: ['spare/second'] });
  const [cooldown, fallback] = await take(2);
  const failed = { requestId, provider: 'house', model: 'first', code: 'provider_unavailable', status: 503 };
  const next = { nextProvider: 'spare', nextModel: 'second' };
  assertRecord(cooldown, {
    target: 'tollway.models',
    level: 'warn',
    fields: { ...failed, modelConfigId, failures: 1, wait: 0 },
  });
  assertRecord(fallback, { target: 'tollway.call', level: 'warn', fields: { ...failed, ...next, attempt: 1 } });
  const answered = await tw.chat('Hi', { model: 'house/first' });
  const [end] = await take(1);
  assertRecord(end, {
    target: 'tollway.models',
    level: 'info',
    message: 'house/first answers again; its cooldown has ended',
    fields: { requestId: answered.requestId, modelConfigId },
  });
});

test('refusals are records', async (context) => {
  const mock = await mockProvider();
  const { tw, take } = await openLogged(context);
  await add(tw, 'house/priced', mock.baseUrl);
  await add(tw, 'house/unpriced', mock.baseUrl, {});
  const budget = await tw.budgets.set({ limit: '0.0000001', currency: 'USD' });
  for (const [model, code] of [
    ['priced', 'budget_exceeded'],
    ['unpriced', 'unpriced'],
  ] as const) {
    await assert.rejects(tw.chat('Hi', { model: `house/${model}` }), (error: TollwayError) => error.code === code);
    const [refusal] = await take(1);
    const fields = { provider: 'house', model, code, attempt: 1 };
    assertRecord(refusal, { target: 'tollway.call', level: 'info', fields });
    assert.equal(refusal?.fields['budgetId'], code === 'unpriced' ? undefined : budget.id);
  }
});

test('streams and vendors’ libraries are heard, and each handle hears what is its own', async (context) => {
  const mock = await mockProvider();
  const [one, other] = [await openLogged(context), await openLogged(context)];
  await add(one.tw, 'house/m', mock.baseUrl, {});
  const stream = one.tw.chatStream('Hi', { model: 'house/m' });
  for await (const event of stream) {
    void event;
  }
  assertRecord((await one.take(1))[0], { fields: { code: 'unpriced', requestId: stream.reply?.requestId ?? '' } });
  const body = JSON.stringify({ model: 'house/m', messages: [{ role: 'user', content: 'Hi' }] });
  await (await one.tw.fetch()('https://api.openai.com/v1/chat/completions', { method: 'POST', body })).text();
  assertRecord((await one.take(1))[0], { fields: { code: 'unpriced', model: 'm' } });
  await other.take(0);
});

test('a listener that throws or rejects is told once and goes on being called', async (context) => {
  const mock = await mockProvider();
  const warnings: Error[] = [];
  const keep = (warning: Error): void => void warnings.push(warning);
  process.on('warning', keep);
  context.after(() => process.off('warning', keep));
  let called = 0;
  const onLog = (): Promise<never> => {
    called += 1;
    if (called > 2) {
      return Promise.reject(new Error('rejected'));
    }
    throw new Error('thrown');
  };
  const { tw } = await openLogged(context, { onLog });
  await add(tw, 'house/m', mock.baseUrl, {});
  for (let call = 0; call < 4; call += 1) {
    assert.equal((await tw.chat('Hi', { model: 'house/m' })).text, 'You said: Hi');
  }
  await eventually(() => called === 4);
  await nextTurn();
  const ours = warnings.filter(({ name }) => name === 'TollwayWarning');
  assert.deepEqual(
    ours.map(({ message }) => message),
    ['onLog failed, and goes on being called; the error of its first failure: thrown'],
  );
});

test('what did not fit is told, and what is left comes before a handle is closed', async (context) => {
  const mock = await mockProvider();
  const kept: LogRecord[] = [];
  const { tw } = await openLogged(context, { onLog: (record) => void kept.push(record) });
  await add(tw, 'house/m', mock.baseUrl, {});
  await tw.budgets.set({ limit: '5', currency: 'USD' });
  const calls = Array.from({ length: 1_100 }, () => tw.chat('Hi', { model: 'house/m' }));
  const closing = Promise.allSettled(calls).then(() => tw.close());
  // A listener that is busy holds this thread up, and no call.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
  await closing;
  const dropped = kept.reduce((sum, { fields }) => sum + Number(fields['dropped'] ?? 0), 0);
  assert.equal(kept.filter(({ target }) => target === 'tollway.call').length + dropped, 1_100);
  assert.ok(dropped > 0);
});

test('onLog must be a function', async (context) => {
  const open = Tollway.open(temporaryPath(context), { masterKey: MASTER_KEY, onLog: 'console' as never });
  await assert.rejects(open, /onLog must be a function that takes a record, not string/);
});

const EXIT = `
  const [path, masterKey, baseUrl, how] = process.argv.slice(1);
  const onLog = ({ fields }) => require('node:fs').writeSync(1, fields.code + '\\n');
  tollway.Tollway.open(path, { masterKey, onLog }).then(async (tw) => {
    await tw.models.add('house/m', { baseUrl, prices: {} });
    const call = tw.chat('Hi', { model: 'house/m' });
    await call;
    if (how === 'exit') process.exit(0);
  });
`;

for (const how of ['exit', 'end']) {
  test(`what is logged last is handed over before a program ends: ${how}`, async (context) => {
    const mock = await mockProvider();
    const ended = await runProgram(EXIT, [temporaryPath(context), MASTER_KEY, mock.baseUrl, how]);
    assert.deepEqual([ended.code, ended.output, ended.errors], [0, 'unpriced\n', '']);
  });
}

const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { Tollway } = require(workerData.module);
  const onLog = ({ fields }) => parentPort.postMessage(fields.code);
  Tollway.open(workerData.path, { masterKey: workerData.masterKey, onLog }).then(async (tw) => {
    await tw.models.add('house/m', { baseUrl: workerData.baseUrl, prices: {} });
    await tw.chat('Hi', { model: 'house/m' });
  });
`;

test('a worker thread hears what its own handles log, and ends by itself', async (context) => {
  const mock = await mockProvider();
  const module = join(PACKAGE, 'dist', 'index.js');
  const workerData = { module, path: temporaryPath(context), masterKey: MASTER_KEY, baseUrl: mock.baseUrl };
  const heard: unknown[] = [];
  const worker = new Worker(WORKER, { eval: true, workerData });
  worker.on('message', (code) => heard.push(code));
  const code = await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
  assert.deepEqual([code, heard], [0, ['unpriced']]);
});
