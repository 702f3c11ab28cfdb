import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { type Ended, MASTER_KEY, openFile, records, runProgram, stopMock } from './support.js';

after(stopMock);

const PROGRAMS = 100;
const AT_ONCE = 8;

const OPEN = `
  const [path, masterKey] = process.argv.slice(1);
  const opening = tollway.Tollway.open(path, { masterKey, maxRetries: 0 });
`;
const AWAIT = `${OPEN}
  opening.then((tw) => tw.chat('Hi', { user: 'exit' }));
`;
const UNDER_WAY = `${OPEN}
  opening.then(async (tw) => {
    const calls = Array.from({ length: 20 }, () => tw.chat('Hi', { user: 'exit' }));
    await calls.at(-1);
    process.exit(0);
  });
`;
const STREAM_LEFT = `${OPEN}
  opening.then(async (tw) => {
    const stream = tw.chatStream('Hi there you all', { model: 'openai/trickle', user: 'exit' });
    await stream.next();
  });
`;
const PENDING = `${OPEN}
  opening.then((tw) => {
    tw.chat('Hi', { model: 'openai/slow', user: 'left' }).catch(() => undefined);
    setTimeout(() => process.exit(3), 300);
  });
`;
const THROWS = `${OPEN}
  opening.then((tw) => {
    tw.chat('Hi', { model: 'openai/slow', user: 'left' }).catch(() => undefined);
    setTimeout(() => { throw new Error('of the app'); }, 300);
  });
`;

/** Runs a program many times, some at once, and counts how they ended. */
async function statuses(source: string, path: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let started = 0;
  const next = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      const { code, signal, errors }: Ended = await runProgram(source, [path, MASTER_KEY]);
      const name = code === 0 ? 'ended well' : `${code} ${signal} ${errors.slice(0, 300)}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return counts;
}

test('programs that end after a call, without closing, end by themselves', async (context) => {
  const { tw, path } = await openFile(context);
  assert.deepEqual(await statuses(AWAIT, path, PROGRAMS), { 'ended well': PROGRAMS });
  assert.equal((await records(tw, { user: 'exit', status: 'success' })).length, PROGRAMS);
});

test('programs that exit with calls under way exit cleanly', async (context) => {
  const { tw, path } = await openFile(context);
  assert.deepEqual(await statuses(UNDER_WAY, path, PROGRAMS / 4), { 'ended well': PROGRAMS / 4 });
  const found = await records(tw, { user: 'exit' });
  assert.ok(found.every(({ status }) => ['success', 'cancelled'].includes(status)));
});

test('a stream that nobody reads any more does not keep a program running', async (context) => {
  const { tw, path } = await openFile(context);
  assert.deepEqual(await statuses(STREAM_LEFT, path, AT_ONCE), { 'ended well': AT_ONCE });
  const found = await records(tw, { user: 'exit' });
  assert.equal(found.length, AT_ONCE);
  assert.ok(found.every(({ status }) => ['cancelled', 'partial'].includes(status)));
});

for (const [name, source, code] of [
  ['process.exit', PENDING, 3],
  ['an error that nobody catches', THROWS, 1],
] as const) {
  test(`what is under way is settled at the end of a program: ${name}`, async (context) => {
    const { tw, path } = await openFile(context);
    const begin = performance.now();
    const ended = await runProgram(source, [path, MASTER_KEY]);
    assert.deepEqual([ended.code, ended.signal], [code, null], ended.errors);
    assert.ok(performance.now() - begin < 10_000);
    const [record, ...others] = await records(tw, { user: 'left' });
    assert.deepEqual([record?.status, others.length], ['cancelled', 0]);
  });
}
