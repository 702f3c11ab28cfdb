import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';

import {
  BudgetExceededError,
  ClosedError,
  formatReceipt,
  NotATollwayFileError,
  NotFoundError,
  StorageError,
  Tollway,
  WrongMasterKeyError,
} from '../dist/index.js';
import { MASTER_KEY, mockProvider, openFile, PACKAGE, PRICES, records, stopMock, temporaryPath } from './support.js';

after(stopMock);

test('a call is routed, priced, and in the ledger before its reply returns', async (context) => {
  const { tw } = await openFile(context);
  const reply = await tw.chat({ messages: 'Name three rivers.', user: 'alice', tags: { feature_name: 'geo' } });
  assert.equal(reply.text, 'You said: Name three rivers.');
  assert.equal(reply.model, 'openai/house-model');
  assert.deepEqual([reply.usage.inputTokens, reply.usage.outputTokens, reply.usage.totalTokens], [3, 5, 8]);
  // 3 * 0.15 + 5 * 0.60 of a millionth.
  assert.deepEqual([reply.cost, reply.currency, reply.costStatus], ['0.00000345', 'USD', 'computed']);
  const [record, ...others] = await records(tw, { user: 'alice', tags: { feature_name: 'geo' } });
  assert.equal(others.length, 0);
  assert.equal(record?.costAmount, reply.cost);
  assert.equal(record?.requestId, reply.requestId);
  assert.deepEqual(record?.tags, { feature_name: 'geo' });
  assert.deepEqual(record?.receipt, reply.receipt.lines);
});

test('messages are a string, an array, or a field of one object', async (context) => {
  const { tw } = await openFile(context);
  const list = [{ role: 'user', content: 'Hi there' }] as const;
  for (const call of [tw.chat('Hi there'), tw.chat(list), tw.chat({ messages: list }), tw.chat('Hi there', {})]) {
    assert.equal((await call).text, 'You said: Hi there');
  }
  assert.equal((await tw.chat('one two three', { maxTokens: 2 })).text, 'You said:');
});

test('options reach the provider by its names, and what is the provider’s stays as it is', async (context) => {
  const { tw, mock } = await openFile(context);
  const baseUrl = await mock.script('seen', [{ automatic: true }]);
  await tw.models.add('openai/seen', { apiKey: 'k', baseUrl, prices: {} });
  const parameters = { type: 'object', properties: { cityName: { type: 'string' } }, required: ['cityName'] };
  await tw.chat({
    model: 'openai/seen',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    maxTokens: 7,
    topP: 0.5,
    toolChoice: 'auto',
    parallelToolCalls: false,
    tools: [{ type: 'function', function: { name: 'getWeather', parameters } }],
    extra: { someThing: { innerName: 1 }, top_k: 5 },
  });
  const [request] = (await mock.requests('seen')) as { body: Record<string, unknown> }[];
  assert.ok(request);
  assert.equal(request.body['top_p'], 0.5);
  assert.equal(request.body['parallel_tool_calls'], false);
  assert.deepEqual(request.body['someThing'], { innerName: 1 });
  assert.equal(request.body['top_k'], 5);
  const [tool] = request.body['tools'] as { function: { name: string; parameters: unknown } }[];
  assert.deepEqual([tool?.function.name, tool?.function.parameters], ['getWeather', parameters]);
});

test('a quote says what a call would cost, and sends nothing', async (context) => {
  const { tw } = await openFile(context);
  await tw.budgets.set({ user: 'alice', limit: '5.00', currency: 'USD' });
  const quote = await tw.quote('Name three rivers.', { user: 'alice', maxTokens: 10 });
  assert.deepEqual(quote.route, ['openai/house-model']);
  const [candidate] = quote.candidates;
  assert.ok(candidate?.worst && candidate.admitted);
  const [budget] = candidate.budgets;
  assert.deepEqual([budget?.user, budget?.tag, budget?.limit, budget?.currency], ['alice', null, '5.00', 'USD']);
  assert.equal(candidate.worst.lines[0]?.currency, 'USD');
  assert.deepEqual(await records(tw), []);
});

test('budgets, routes, prices and rates come back as they were set', async (context) => {
  const { tw } = await openFile(context);
  const budget = await tw.budgets.set({ tag: ['team', 'search'], limit: 5, currency: 'USD', window: 'month' });
  assert.deepEqual([budget.tag, budget.user, budget.limit, budget.window], [['team', 'search'], null, '5', 'month']);
  assert.deepEqual(await tw.budgets.list(), [budget]);
  await tw.budgets.delete(budget);
  assert.deepEqual(await tw.budgets.list(), []);

  const cost = { amount: '0.010', currency: 'USD' };
  const models = ['openai/house-model', 'openai/slow'];
  const route = await tw.routes.set('cheap', { strategy: 'economy', models, maximumCost: cost });
  assert.deepEqual([route.models, route.maximumCost, route.preferredProviders], [models, cost, []]);
  assert.equal((await tw.chat('Hi', { model: 'cheap' })).model, 'openai/house-model');
  await tw.routes.delete('cheap');
  assert.deepEqual(await tw.routes.list(), []);

  const long = { input_tokens: { above: 200_000 }, service_tier: 'batch' } as const;
  const [first, second] = await tw.prices.set('openai/slow', {
    input_token: [PRICES.input_token, { ...PRICES.input_token, unitPrice: '0.30', conditions: long }],
  });
  assert.deepEqual([first?.unitPrice, first?.conditions, first?.rounding], ['0.15', {}, null]);
  assert.equal(second?.unitPrice, '0.30');
  assert.deepEqual(Object.keys(second?.conditions ?? {}).sort(), ['input_tokens', 'service_tier']);

  const rate = await tw.fx.set('USD', 'CNY', '7.10', { effectiveDate: '2026-01-01' });
  assert.deepEqual([rate.from, rate.to, rate.rate], ['USD', 'CNY', '7.10']);
  assert.equal(new Date(rate.effectiveDate).getTime(), Date.UTC(2026, 0, 1));
  assert.deepEqual(await tw.fx.list(), [rate]);
});

test('model configs can be changed, and null removes what may be absent', async (context) => {
  const { tw } = await openFile(context);
  const config = await tw.models.update('openai/slow', { alias: 'calm', description: 'a note', priority: 3 });
  assert.deepEqual(
    [config.name, config.alias, config.description, config.priority],
    ['openai/slow', 'calm', 'a note', 3],
  );
  const cleared = await tw.models.update('calm', { alias: null, description: null });
  assert.deepEqual([cleared.alias, cleared.description, cleared.priority], [null, null, 3]);
  await tw.models.delete('openai/slow');
  assert.equal(
    (await tw.models.list()).some(({ name }) => name === 'openai/slow'),
    false,
  );
  await tw.chat('Hi');
  assert.equal((await tw.models.used())[0]?.modelCode, 'house-model');
  assert.equal(
    (await tw.models.health()).every(({ coolingFor }) => coolingFor === null),
    true,
  );
});

test('a summary groups records with exact totals', async (context) => {
  const { tw } = await openFile(context);
  for (const user of ['alice', 'bob', 'alice']) {
    await tw.chat('Hi', { user });
  }
  const rows = await tw.usage.summary({ by: ['user'], since: '2026-01-01' });
  // 1 * 0.15 + 3 * 0.60 of a millionth is 0.00000195.
  const expected = [
    { group: { user: 'alice' }, calls: 2, totals: { USD: '0.0000039' } },
    { group: { user: 'bob' }, calls: 1, totals: { USD: '0.00000195' } },
  ];
  const found = rows.map(({ group, calls, totals }) => ({ group, calls, totals }));
  assert.deepEqual(
    found.sort((a, b) => b.calls - a.calls),
    expected,
  );
  const page = await tw.usage.records({ limit: 2 });
  assert.equal(page.records.length, 2);
  assert.ok(page.nextCursor);
  assert.equal((await tw.usage.records({ cursor: page.nextCursor })).records.length, 1);
  assert.deepEqual(await tw.usage.summary({ by: 'model', until: new Date(0) }), []);
});

test('a receipt prints a row for each line and each total', async (context) => {
  const { tw } = await openFile(context);
  const reply = await tw.chat('Hi');
  const expected = `
attempt  model               meter         quantity  unit price  unit               amount
      1  openai/house-model  input_token          1        0.15  per_1m_tokens  0.00000015  USD
      1  openai/house-model  output_token         3        0.60  per_1m_tokens   0.0000018  USD
  total                                                                         0.00000195  USD`;
  assert.equal(formatReceipt(reply.receipt), expected.slice(1));
});

test('an idempotency key replays a reply and bills it once', async (context) => {
  const { tw } = await openFile(context);
  const first = await tw.chat('Hi', { idempotencyKey: 'k1' });
  const second = await tw.chat('Hi', { idempotencyKey: 'k1' });
  assert.deepEqual([first.replayed, second.replayed], [false, true]);
  assert.equal(first.requestId, second.requestId);
  assert.equal((await records(tw)).length, 1);
});

test('a file is opened by its key alone, which a function may bring', async (context) => {
  const path = temporaryPath(context);
  const first = await Tollway.open(path, { masterKey: () => Promise.resolve(MASTER_KEY) });
  assert.equal(first.path, path);
  const mock = await mockProvider();
  await first.models.add('openai/m', { apiKey: 'k', baseUrl: mock.baseUrl, prices: {}, default: true });
  await first.rotateMasterKey('a passphrase for tests');
  assert.equal(await first.close(), true);
  await assert.rejects(Tollway.open(path, { masterKey: MASTER_KEY }), WrongMasterKeyError);
  const second = await Tollway.open(pathToFileURL(path), { masterKey: () => 'a passphrase for tests' });
  assert.equal((await second.chat('Hi')).text, 'You said: Hi');
  await second.close();
  await assert.rejects(Tollway.open(__filename, { masterKey: MASTER_KEY }), NotATollwayFileError);
});

test('a closed handle refuses calls, and closing twice does nothing', async (context) => {
  const { tw } = await openFile(context);
  await tw.close();
  await tw.close();
  await assert.rejects(tw.chat('Hi'), ClosedError);
  await assert.rejects(tw.models.list(), ClosedError);
});

test('await using closes a file', async (context) => {
  const path = temporaryPath(context);
  let kept: Tollway | undefined;
  {
    await using tw = await Tollway.open(path, { masterKey: MASTER_KEY });
    kept = tw;
    assert.deepEqual(await tw.models.list(), []);
  }
  await assert.rejects(kept.models.list(), ClosedError);
});

test('importing starts no thread and opens no file', { skip: process.platform !== 'linux' }, async (context) => {
  const source = `
    const { readdirSync } = require('node:fs');
    const before = readdirSync('/proc/self/task').length;
    const tollway = require(process.argv[1]);
    console.log(typeof tollway.Tollway.open, readdirSync('/proc/self/task').length - before, readdirSync('.').length);
  `;
  const folder = dirname(temporaryPath(context));
  const options = { cwd: folder, encoding: 'utf8' } as const;
  const ended = spawnSync(process.execPath, ['-e', source, join(PACKAGE, 'dist', 'index.js')], options);
  assert.equal(ended.stdout, 'function 0 0\n', ended.stderr);
});

test('import and require load one implementation', async () => {
  const required = await import('../dist/index.js');
  const imported = await import('../dist/index.mjs');
  const names = Object.keys(required).filter((name) => name !== 'default' && name !== 'module.exports');
  assert.ok(names.length > 30);
  for (const name of names) {
    assert.equal(Reflect.get(imported, name), Reflect.get(required, name), name);
  }
});

test('a ledger in memory bills and caps, is its own, and leaves no file', async () => {
  const tw = await Tollway.open(':memory:', { masterKey: MASTER_KEY, maxRetries: 0 });
  const other = await Tollway.open(':memory:', { masterKey: MASTER_KEY });
  try {
    const { baseUrl } = await mockProvider();
    await tw.models.add('openai/house-model', { apiKey: 'k', baseUrl, prices: PRICES, default: true });
    await tw.budgets.set({ user: 'alice', limit: '0.01', currency: 'USD', window: 'total' });
    const reply = await tw.chat('Hi', { user: 'alice', maxTokens: 16 });
    assert.deepEqual(
      (await records(tw)).map((record) => record.uid),
      [reply.attempts[0]?.recordUid],
    );
    assert.equal((await tw.budgets.list())[0]?.settled, reply.cost);
    await assert.rejects(tw.chat('Hi', { user: 'alice', maxTokens: 100_000 }), BudgetExceededError);
    const checked = await tw.verify();
    assert.deepEqual([checked.records, checked.damage], [1, []]);
    assert.deepEqual(await other.budgets.list(), []);
  } finally {
    await tw.close();
    await other.close();
  }
  assert.ok(!existsSync(':memory:'));
  await assert.rejects(Tollway.open(':memory:', { masterKey: MASTER_KEY, create: false }), NotFoundError);
});

test('a backup of a file in use opens, and an archive leaves this month alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollway-'));
  const tw = await Tollway.open(join(folder, 'app.tollway'), { masterKey: MASTER_KEY, maxRetries: 0 });
  try {
    const { baseUrl } = await mockProvider();
    await tw.models.add('openai/house-model', { apiKey: 'k', baseUrl, prices: PRICES, default: true });
    const reply = await tw.chat('Hi', { maxTokens: 16 });
    const copy = join(folder, 'copy.tollway');
    assert.equal((await tw.backup(copy)).bytes, statSync(copy).size);
    await assert.rejects(tw.backup(copy), StorageError);
    const other = await Tollway.open(copy, { masterKey: MASTER_KEY, create: false });
    assert.deepEqual(
      (await records(other)).map((record) => record.uid),
      [reply.attempts[0]?.recordUid],
    );
    await other.close();
    const path = join(folder, 'past.jsonl.gz');
    const archive = await tw.archive(new Date('2026-01-31T00:00:00Z'), path);
    assert.equal(archive.records, 0);
    const lines = gunzipSync(readFileSync(path)).toString().trim().split('\n');
    assert.deepEqual(JSON.parse(lines.at(-1) ?? ''), { records: 0, sha256: archive.sha256 });
    assert.equal((await records(tw)).length, 1);
  } finally {
    await tw.close();
    rmSync(folder, { recursive: true });
  }
});
