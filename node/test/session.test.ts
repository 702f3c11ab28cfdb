/** Sessions: blocks of calls that are capped as a whole. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { BudgetExceededError, InvalidRequestError } from '../dist/index.js';
import { MASTER_KEY, openFile, records, runProgram, stopMock } from './support.js';

after(stopMock);

const URL = 'https://api.openai.com/v1/chat/completions';
const BODY = JSON.stringify({ model: 'openai/house-model', messages: [{ role: 'user', content: 'Hi' }] });

test('a block caps its calls, its streams and the requests of libraries', async (context) => {
  const { tw } = await openFile(context);
  const library = tw.fetch();
  const answer = await tw.session({ id: 'run', limitRequests: 3 }, async (session) => {
    assert.deepEqual([session.id, session.path, session.budgetIds.length], ['run', ['run'], 1]);
    await tw.chat('Hi');
    for await (const _event of tw.chatStream('Hi')) {
      assert.ok(true);
    }
    assert.equal((await library(URL, { method: 'POST', body: BODY })).status, 200);
    await assert.rejects(tw.chat('Hi'), BudgetExceededError);
    assert.match(await (await library(URL, { method: 'POST', body: BODY })).text(), /budget_exceeded/);
    return 'done';
  });
  assert.equal(answer, 'done');
  await tw.chat('Hi');
  const tags = (await records(tw)).map((record) => record.tags);
  assert.deepEqual(tags, [...Array.from({ length: 3 }, () => ({ session: 'run' })), {}]);
});

test('what is spent in an inner session is spent in the outer, and limits without a name end with their block', async (context) => {
  const { tw } = await openFile(context);
  await tw.session({ limitRequests: 2 }, async (outer) => {
    await tw.session({ limitRequests: 1 }, async (inner) => {
      assert.deepEqual(inner.path, [outer.id, inner.id]);
      await tw.chat('Hi');
      await assert.rejects(tw.chat('Hi'), BudgetExceededError);
    });
    await tw.chat('Hi');
    await assert.rejects(tw.chat('Hi'), BudgetExceededError);
  });
  assert.deepEqual(await tw.budgets.list(), []);
});

test('blocks that run side by side are told apart', async (context) => {
  const { tw } = await openFile(context);
  await Promise.all(
    ['one', 'two'].map((id) =>
      tw.session({ id }, () => Promise.all([tw.chat('Hi', { user: id }), tw.chat('Hi', { user: id })])),
    ),
  );
  for (const id of ['one', 'two']) {
    const tags = (await records(tw, { user: id })).map((record) => record.tags);
    assert.deepEqual(tags, [{ session: id }, { session: id }]);
  }
});

test('what is left running when the block ends is refused', async (context) => {
  const { tw } = await openFile(context);
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let left: Promise<unknown> = Promise.resolve();
  await tw.session({ limitRequests: 1 }, () => {
    left = ended.then(() => tw.chat('Hi'));
  });
  end();
  await assert.rejects(
    left,
    (error: unknown) => error instanceof InvalidRequestError && /has ended/.test(error.detail),
  );
});

test('an error of the block is that of the session, whose limits are deleted all the same', async (context) => {
  const { tw } = await openFile(context);
  const reason = new Error('the agent gave up');
  await assert.rejects(
    tw.session({ limit: '0.10', currency: 'USD' }, () => {
      throw reason;
    }),
    reason,
  );
  assert.deepEqual(await tw.budgets.list(), []);
  await assert.rejects(
    tw.session({ limit: '1' }, () => 1),
    InvalidRequestError,
  );
  await tw.session({ id: 'run' }, async () => {
    await assert.rejects(tw.chat('Hi', { sessions: ['other'] }), InvalidRequestError);
  });
});

test('another process is in the session by its path', async (context) => {
  const { tw, path } = await openFile(context);
  await tw.session({ limitRequests: 2 }, async (session) => {
    await tw.chat('Hi');
    const source = `
      (async () => {
        const [, file, masterKey, within] = process.argv;
        const tw = await tollway.Tollway.open(file, { masterKey, maxRetries: 0 });
        await tw.session({ within: JSON.parse(within) }, async () => {
          await tw.chat('Hi');
          await tw.chat('Hi').catch((error) => console.log(error.code));
        });
        await tw.close();
      })();
    `;
    const { output, errors } = await runProgram(source, [path, MASTER_KEY, JSON.stringify(session.path)]);
    assert.equal(output.trim(), 'budget_exceeded', errors);
    await assert.rejects(tw.chat('Hi'), BudgetExceededError);
  });
});
