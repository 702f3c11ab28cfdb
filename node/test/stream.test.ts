import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { InvalidRequestError, type StreamEvent, type Tollway, TollwayError } from '../dist/index.js';
import { eventually, LONG, openFile, recordOf, records, stopMock } from './support.js';

after(stopMock);

const TRICKLE = { model: 'openai/trickle', maxTokens: 500 } as const;

async function collected(stream: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of stream) {
    events.push(event);
  }
  return events;
}

function textOf(events: readonly StreamEvent[]): string {
  return events.map(({ text }) => text).join('');
}

async function givenUp(tw: Tollway, user: string): Promise<void> {
  const { status } = await recordOf(tw, user);
  assert.ok(['cancelled', 'partial'].includes(status), status);
}

test('a stream yields its events and then the settled reply', async (context) => {
  const { tw } = await openFile(context);
  const stream = tw.chatStream('Name three rivers.', { user: 'alice' });
  const before = stream.reply;
  assert.equal(before, null);
  const events = await collected(stream);
  assert.equal(textOf(events), 'You said: Name three rivers.');
  assert.ok(events.length > 5);
  assert.equal(events.at(-1)?.reply, stream.reply);
  assert.equal(
    events.slice(0, -1).every(({ reply }) => reply === null),
    true,
  );
  assert.equal(stream.reply?.cost, '0.00000345');
  assert.equal((await recordOf(tw, 'alice')).costAmount, stream.reply.cost);
  assert.deepEqual(await collected(stream), [], 'a stream is read once');
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  // Closing what has ended changes nothing.
  stream.close();
  assert.equal((await recordOf(tw, 'alice')).status, 'success');
});

const LEAVING: Record<string, (tw: Tollway, user: string) => Promise<void>> = {
  break: async (tw, user) => {
    for await (const _event of tw.chatStream(LONG, { ...TRICKLE, user })) {
      break;
    }
  },
  throw: async (tw, user) => {
    const reading = (async () => {
      for await (const _event of tw.chatStream({ messages: LONG, ...TRICKLE, user })) {
        throw new RangeError('of the reader');
      }
    })();
    await assert.rejects(reading, RangeError);
  },
  return: async (tw, user) => {
    const first = async (): Promise<string> => {
      for await (const event of tw.chatStream(LONG, { ...TRICKLE, user })) {
        return event.text;
      }
      return 'nothing';
    };
    assert.notEqual(await first(), 'nothing');
  },
  close: async (tw, user) => {
    const stream = tw.chatStream(LONG, { ...TRICKLE, user });
    await stream.next();
    stream.close();
    stream.close();
    assert.deepEqual(await collected(stream), []);
  },
  'close of a stream that is waited for': async (tw, user) => {
    const stream = tw.chatStream(LONG, { ...TRICKLE, user });
    await stream.next();
    const waiting = collected(stream);
    setTimeout(() => stream.close(), 50);
    assert.ok((await waiting).length < 10);
  },
  'await using': async (tw, user) => {
    await using stream = tw.chatStream(LONG, { ...TRICKLE, user });
    await stream.next();
  },
  'garbage collection': async (tw, user) => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    await tw.chatStream(LONG, { ...TRICKLE, user }).next();
    await eventually(async () => {
      collectGarbage();
      return (await records(tw, { user })).length > 0;
    });
  },
};

for (const [name, leave] of Object.entries(LEAVING)) {
  test(`leaving a stream early cancels the call: ${name}`, async (context) => {
    const { tw } = await openFile(context);
    await leave(tw, 'leaver');
    await givenUp(tw, 'leaver');
  });
}

test('a signal cancels a stream, and reading throws its reason', async (context) => {
  const { tw } = await openFile(context);
  const controller = new AbortController();
  const events: StreamEvent[] = [];
  const reading = (async () => {
    for await (const event of tw.chatStream(LONG, { ...TRICKLE, user: 'alice', signal: controller.signal })) {
      events.push(event);
      setTimeout(() => controller.abort(), 10);
    }
  })();
  await assert.rejects(reading, { name: 'AbortError' });
  assert.ok(events.length > 0 && events.length < 10);
  await givenUp(tw, 'alice');

  const reason = new Error('of its own');
  const early = tw.chatStream('Hi', { signal: AbortSignal.abort(reason) });
  await assert.rejects(early.next(), reason);
  assert.deepEqual(await early.next(), { done: true, value: undefined });

  const late = new AbortController();
  const stream = tw.chatStream('Hi', { user: 'bob', signal: late.signal });
  await collected(stream);
  late.abort();
  assert.deepEqual(await collected(stream), []);
  assert.equal((await recordOf(tw, 'bob')).status, 'success');
});

test('reads that overlap get events in their order, and a second consumer what the first left', async (context) => {
  const { tw } = await openFile(context);
  const stream = tw.chatStream('Name three rivers.', { model: 'openai/trickle' });
  const results = await Promise.all(Array.from({ length: 30 }, () => stream.next()));
  const read = results.filter((result) => result.done !== true).map(({ value }) => value as StreamEvent);
  assert.equal(textOf(read), 'You said: Name three rivers.');
  assert.equal(read.at(-1)?.reply, stream.reply);
  assert.ok(stream.reply);

  const shared = tw.chatStream('one two three four five', { model: 'openai/trickle' });
  const both = await Promise.all([collected(shared), collected(shared)]);
  assert.equal(both.flat().filter(({ text }) => text !== '').length, 7);
  assert.equal(both.flat().filter(({ reply }) => reply !== null).length, 1);
});

test('an error in a stream comes after the events before it', async (context) => {
  const { tw } = await openFile(context);
  const events: StreamEvent[] = [];
  const reading = (async () => {
    for await (const event of tw.chatStream(LONG, { model: 'openai/fail', user: 'alice' })) {
      events.push(event);
    }
  })();
  await assert.rejects(reading, (error: unknown) => {
    assert.ok(error instanceof TollwayError);
    assert.equal(error.code, 'provider_unavailable');
    return true;
  });
  assert.ok(events.length > 0);
  assert.ok(['partial', 'failed'].includes((await recordOf(tw, 'alice')).status));
});

test('the error of a wrong request is thrown by the iterator', async (context) => {
  const { tw } = await openFile(context);
  await assert.rejects(tw.chatStream([]).next(), InvalidRequestError);
});

test('many streams at once are each whole', async (context) => {
  const { tw } = await openFile(context);
  const texts = await Promise.all(
    Array.from({ length: 50 }, async (_, number) => textOf(await collected(tw.chatStream(`Number ${number}`)))),
  );
  assert.deepEqual(
    texts,
    Array.from({ length: 50 }, (_, number) => `You said: Number ${number}`),
  );
});
