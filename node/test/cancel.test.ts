import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, test } from 'node:test';

import { CallTimeoutError, type ChatReply, ClosedError, Tollway } from '../dist/index.js';
import { MASTER_KEY, openFile, recordOf, records, sleep, stopMock } from './support.js';

after(stopMock);

test('a signal cancels a call, and its record says so', async (context) => {
  const { tw, mock } = await openFile(context);
  const signal = await mock.signalOnceSent('slow');
  await assert.rejects(tw.chat('Hi', { model: 'openai/slow', user: 'alice', signal }), { name: 'AbortError' });
  assert.equal((await recordOf(tw, 'alice')).status, 'cancelled');
  assert.equal((await tw.chat('Hi')).text, 'You said: Hi', 'others go on');
});

test('a cancelled call rejects with the reason of its signal', async (context) => {
  const { tw } = await openFile(context);
  const reason = new Error('the tab was closed');
  const controller = new AbortController();
  const call = tw.chat('Hi', { model: 'openai/slow', signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(call, reason);
  const timed = tw.chat('Hi', { model: 'openai/slow', user: 'bob', signal: AbortSignal.timeout(200) });
  await assert.rejects(timed, { name: 'TimeoutError' });
  assert.equal((await recordOf(tw, 'bob')).status, 'cancelled');
});

test('a call whose signal has fired already sends nothing', async (context) => {
  const { tw } = await openFile(context);
  await assert.rejects(tw.chat('Hi', { signal: AbortSignal.abort() }), { name: 'AbortError' });
  await sleep(50);
  assert.deepEqual(await records(tw), []);
});

test('a call releases its signal when it ends, and firing later does nothing', async (context) => {
  const { tw } = await openFile(context);
  const controller = new AbortController();
  const { signal } = controller;
  await tw.chat('Hi', { user: 'carol', signal });
  await assert.rejects(tw.chat([], { signal }));
  for await (const _event of tw.chatStream('Hi', { user: 'dave', signal })) {
    assert.ok(true);
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  controller.abort();
  assert.equal((await recordOf(tw, 'carol')).status, 'success');
  assert.equal((await recordOf(tw, 'dave')).status, 'success');
});

test('the deadline of a call is an error of its own', async (context) => {
  const { tw } = await openFile(context);
  const begin = performance.now();
  const call = tw.chat('Hi', { model: 'openai/slow', timeout: 0.3, user: 'erin' });
  await assert.rejects(call, CallTimeoutError);
  assert.ok(performance.now() - begin < 5000);
  assert.equal((await recordOf(tw, 'erin')).status, 'timeout');
});

test('closing a file gives up its calls, and every record says so', async (context) => {
  for (let delay = 0; delay < 16; delay += 1) {
    const { tw, path } = await openFile(context);
    const call = tw.chat('Hi', { user: 'frank' }).catch((error: unknown) => error);
    await sleep(delay / 2);
    assert.equal(await tw.close(), true);
    const outcome = await call;
    assert.ok(outcome instanceof ClosedError || (outcome as ChatReply).text === 'You said: Hi', String(outcome));
    const again = await Tollway.open(path, { masterKey: MASTER_KEY });
    const found = (await records(again, { user: 'frank' })).map(({ status }) => status);
    assert.deepEqual(
      found.filter((status) => !['success', 'cancelled'].includes(status)),
      [],
      `closed after ${delay / 2} ms`,
    );
    await again.close();
  }
});
