import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';

import { ClosedError, decimal, InvalidRequestError } from '../dist/index.js';
import { eventually, LONG, MASTER_KEY, openFile, recordOf, records, runProgram, sleep, stopMock } from './support.js';

after(stopMock);

const CHAT = 'https://api.openai.com/v1/chat/completions';
const JSON_TYPE = { 'content-type': 'application/json' };

type Opened = Awaited<ReturnType<typeof openFile>>;

/** What the provider saw of a request; the body is what it says where it is JSON, else a text. */
interface Seen {
  readonly headers: [name: string, value: string][];
  readonly body: unknown;
}

function header({ headers }: Seen, wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1];
}

function chat(fields: object = {}): string {
  return JSON.stringify({ model: 'text', messages: [{ role: 'user', content: 'Hi there' }], ...fields });
}

/** Adds a model that repeats nothing, and tells what it was sent. */
async function openEcho(context: TestContext, reply: object = {}): Promise<Opened & { seen: () => Promise<Seen> }> {
  const opened = await openFile(context);
  const script = [{ body: { ok: true }, ...reply }];
  const baseUrl = await opened.mock.script('echo', script);
  await opened.tw.models.add('openai/echo', { apiKey: 'sk-echo', baseUrl, prices: {} });
  const seen = async (): Promise<Seen> => ((await opened.mock.requests('echo')) as Seen[]).at(-1) as Seen;
  return { ...opened, seen };
}

test('a whole answer is a response like that of fetch', async (context) => {
  const { tw } = await openFile(context);
  const response = await tw.fetch({ user: 'alice' })(CHAT, { method: 'POST', body: chat(), headers: JSON_TYPE });
  assert.ok(response instanceof Response);
  assert.deepEqual([response.status, response.ok, response.url], [200, true, CHAT]);
  assert.equal(response.headers.get('content-type'), 'application/json');
  const copy = response.clone();
  const answer = (await response.json()) as { choices: { message: { content: string } }[]; tollway: { cost: string } };
  assert.equal(answer.choices[0]?.message.content, 'You said: Hi there');
  assert.deepEqual(await copy.json(), answer);
  assert.equal((await recordOf(tw, 'alice')).costAmount, answer.tollway.cost);
});

test('an address is a string, a URL or a Request, and headers have any form', async (context) => {
  const { tw } = await openFile(context);
  const call = tw.fetch({ user: 'alice' });
  const init = { method: 'post', body: chat() };
  const answers = [
    call(CHAT, { ...init, headers: new Headers(JSON_TYPE) }),
    call(new URL(CHAT), { ...init, headers: Object.entries(JSON_TYPE) }),
    call(new Request(CHAT, init)),
    call(new Request(CHAT, { method: 'PUT', body: 'not this' }), { ...init, headers: { 'x-tollway-user': 'bob' } }),
  ];
  for (const response of await Promise.all(answers)) {
    assert.equal(response.status, 200, await response.text());
  }
  const users = (await records(tw)).map(({ user }) => user);
  // Who it is was chosen with the function.
  assert.deepEqual(users, ['alice', 'alice', 'alice', 'alice']);
});

test('request bodies of every type are sent', async (context) => {
  const { tw, seen } = await openEcho(context);
  const call = tw.fetch();
  const text = '{"model": "openai/echo", "text": "ß – 文"}';
  const sent = { model: 'echo', text: 'ß – 文' };
  const bytes = new TextEncoder().encode(text);
  const form = new FormData();
  form.set('model', 'openai/echo');
  form.set('file', new Blob([bytes]), 'a file.bin');
  const pieces = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(0, 30));
      controller.enqueue(bytes.slice(30));
      controller.close();
    },
  });
  const url = 'https://api.openai.com/v1/things';
  const post = (body: RequestInit['body'], more: RequestInit = {}): Promise<Response> =>
    call(url, { method: 'POST', body: body ?? null, headers: JSON_TYPE, ...more });
  for (const body of [text, bytes, bytes.buffer, new DataView(bytes.buffer), new Blob([bytes])]) {
    assert.equal((await post(body)).status, 200);
    assert.deepEqual((await seen()).body, sent);
  }
  assert.equal((await post(pieces, { duplex: 'half' } as RequestInit)).status, 200);
  assert.deepEqual((await seen()).body, sent);

  const search = new URLSearchParams({ a: '1 2' });
  assert.equal((await tw.fetch({ model: 'openai/echo' })(url, { method: 'POST', body: search })).status, 200);
  assert.equal(header(await seen(), 'content-type'), 'application/x-www-form-urlencoded;charset=UTF-8');
  assert.equal((await seen()).body, 'a=1+2');

  assert.equal((await call(url, { method: 'POST', body: form })).status, 200);
  assert.match(header(await seen(), 'content-type') ?? '', /^multipart\/form-data; boundary=/);
  const parts = String((await seen()).body);
  assert.match(parts, /name="model"\r\n\r\necho\r\n/);
  assert.match(parts, /name="file"; filename="a file.bin"\r\n/);
});

test('requests that fetch refuses are refused', async (context) => {
  const { tw } = await openFile(context);
  const call = tw.fetch();
  await assert.rejects(call('/no/host'), TypeError);
  await assert.rejects(call(CHAT, { method: 'GET', body: 'a body' }), TypeError);
  assert.deepEqual(await records(tw), []);
});

test('statuses and the known headers of a provider come as they are', async (context) => {
  const { tw } = await openEcho(context, {
    status: 418,
    headers: { 'x-request-id': 'teapot', 'x-kind': 'pot', 'retry-after': '7' },
  });
  const response = await tw.fetch({ model: 'openai/echo' })('https://api.openai.com/v1/things');
  assert.deepEqual([response.status, response.ok], [418, false]);
  const got = ['x-request-id', 'x-kind', 'retry-after'].map((name) => response.headers.get(name));
  assert.deepEqual(got, ['teapot', null, '7']);
  assert.deepEqual(await response.json(), { ok: true });
});

test('an answer without a body has none', async (context) => {
  const { tw } = await openEcho(context, { status: 204, body: '' });
  const response = await tw.fetch({ model: 'openai/echo', user: 'alice' })('https://api.openai.com/v1/things', {
    method: 'DELETE',
  });
  assert.deepEqual([response.status, response.body], [204, null]);
  assert.equal((await recordOf(tw, 'alice')).status, 'success');
});

test('a refusal of a stream has its status, and is no stream', async (context) => {
  const { tw } = await openFile(context);
  await tw.budgets.set({ user: 'alice', limit: '0.00000001', currency: 'USD' });
  const response = await tw.fetch({ user: 'alice' })(CHAT, { method: 'POST', body: chat({ stream: true }) });
  assert.deepEqual([response.status, response.headers.get('x-should-retry')], [402, 'false']);
  const { error } = (await response.json()) as { error: { code: string } };
  assert.equal(error.code, 'budget_exceeded');
});

test('a stream arrives in pieces, which are bytes, and ends with its cost', async (context) => {
  const { tw } = await openFile(context);
  const body = chat({ model: 'openai/trickle', stream: true });
  const { body: stream } = await tw.fetch({ user: 'alice' })(CHAT, { method: 'POST', body });
  assert.ok(stream);
  let text = '';
  let pieces = 0;
  const decoder = new TextDecoder();
  for await (const piece of stream) {
    assert.equal(Object.getPrototypeOf(piece), Uint8Array.prototype);
    text += decoder.decode(piece, { stream: true });
    pieces += 1;
  }
  assert.ok(pieces >= 3, `${pieces} pieces`);
  const events = text.trim().split('\n\n');
  assert.equal(events.at(-1), 'data: [DONE]');
  const last = JSON.parse(events.at(-2)?.slice('data: '.length) ?? '') as { tollway: { cost: string } };
  assert.equal(last.tollway.cost, (await recordOf(tw, 'alice')).costAmount);
});

test('a reader may bring its own buffer', async (context) => {
  const { tw } = await openFile(context);
  const { body } = await tw.fetch()(CHAT, { method: 'POST', body: chat() });
  const reader = body?.getReader({ mode: 'byob' });
  assert.ok(reader);
  let text = '';
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(16));
    if (done) {
      break;
    }
    assert.ok(value.byteLength <= 16);
    text += new TextDecoder().decode(value);
  }
  assert.equal(JSON.parse(text).object, 'chat.completion');
});

test('a request whose signal has fired already starts nothing', async (context) => {
  const { tw } = await openFile(context);
  const call = tw.fetch();
  const init = { method: 'POST', body: chat() };
  await assert.rejects(call(CHAT, { ...init, signal: AbortSignal.abort() }), { name: 'AbortError' });
  await assert.rejects(
    call(CHAT, { ...init, signal: AbortSignal.abort('my reason') }),
    (reason) => reason === 'my reason',
  );
  await assert.rejects(call(new Request(CHAT, { ...init, signal: AbortSignal.abort() })), { name: 'AbortError' });
  assert.deepEqual(await records(tw), []);
});

test('a signal that fires while an answer is awaited cancels the call', async (context) => {
  const { tw, mock } = await openFile(context);
  for (const [user, start] of [
    ['alice', (init: RequestInit, signal: AbortSignal) => tw.fetch({ user: 'alice' })(CHAT, { ...init, signal })],
    [
      'bob',
      (init: RequestInit, signal: AbortSignal) => tw.fetch({ user: 'bob' })(new Request(CHAT, { ...init, signal })),
    ],
  ] as const) {
    const signal = await mock.signalOnceSent('slow', new Error('my reason'));
    const answer = start({ method: 'POST', body: chat({ model: 'openai/slow' }) }, signal);
    await assert.rejects(answer, /my reason/);
    const { status, billedBy } = await recordOf(tw, user);
    assert.deepEqual([status, billedBy], ['cancelled', 'estimate']);
  }
});

test('a signal is noticed whenever it fires between the request and its call', async (context) => {
  const { tw } = await openFile(context);
  const call = tw.fetch({ user: 'alice' });
  for (let turns = 0; turns < 24; turns += 1) {
    const controller = new AbortController();
    const init = { method: 'POST', body: chat({ model: 'openai/slow' }), signal: controller.signal };
    const end = call(CHAT, init).then(String, ({ name }: Error) => name);
    for (let turn = 0; turn < turns; turn += 1) {
      await null;
    }
    controller.abort();
    const tooLate = sleep(5000).then(() => 'nobody heard');
    assert.equal(await Promise.race([end, tooLate]), 'AbortError', `after ${turns} turns`);
  }
});

test('a signal that fires while a body is read fails the read, and cancels the call', async (context) => {
  const { tw } = await openFile(context);
  const controller = new AbortController();
  const body = chat({ model: 'openai/trickle', stream: true, messages: [{ role: 'user', content: LONG }] });
  const call = tw.fetch({ user: 'alice' });
  const response = await call(CHAT, { method: 'POST', body, signal: controller.signal });
  const reader = response.body?.getReader();
  assert.ok(reader);
  await reader.read();
  const waiting = (async () => {
    for (;;) {
      await reader.read();
    }
  })();
  controller.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.ok(['cancelled', 'partial'].includes((await recordOf(tw, 'alice')).status));
});

test('a body that a signal stops while it is sent is not sent', async (context) => {
  const { tw } = await openFile(context);
  const body = new ReadableStream({ pull: () => new Promise(() => undefined) });
  const signal = AbortSignal.timeout(50);
  const init = { method: 'POST', body, duplex: 'half', signal } as RequestInit;
  await assert.rejects(tw.fetch()(CHAT, init), { name: 'TimeoutError' });
  assert.deepEqual(await records(tw), []);
});

test('a signal that outlives its answers is left alone by them', async (context) => {
  const { tw } = await openFile(context);
  const { signal } = new AbortController();
  let listening = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...values: Parameters<typeof add>) => {
    listening += 1;
    add(...values);
  };
  signal.removeEventListener = (...values: Parameters<typeof remove>) => {
    listening -= 1;
    remove(...values);
  };
  const call = tw.fetch();
  await (await call(CHAT, { method: 'POST', body: chat(), signal })).text();
  await (await call(CHAT, { method: 'POST', body: chat({ stream: true }), signal })).text();
  await (await call(CHAT, { method: 'POST', body: chat({ stream: true }), signal })).body?.cancel();
  assert.equal(listening, 0);
});

test('one signal may stop many calls, without a warning', async (context) => {
  const { tw } = await openFile(context);
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warn);
  context.after(() => process.off('warning', warn));
  const controller = new AbortController();
  const { signal } = controller;
  const body = chat({ model: 'openai/slow' });
  const calls = Array.from({ length: 30 }, () => tw.fetch({ user: 'alice' })(CHAT, { method: 'POST', body, signal }));
  setTimeout(() => controller.abort(), 200);
  const ended = await Promise.allSettled(calls);
  assert.deepEqual([...new Set(ended.map(({ status }) => status))], ['rejected']);
  assert.deepEqual(warnings, []);
});

test('cancelling a body ends the call by its policy', async (context) => {
  const { tw } = await openFile(context);
  const body = chat({ model: 'openai/trickle', stream: true });
  for (const [onAbandon, billedBy] of [
    ['cancel_and_estimate', 'estimate'],
    ['drain', 'drain'],
    ['bill_reserved', 'reservation'],
  ] as const) {
    const response = await tw.fetch({ user: onAbandon, onAbandon })(CHAT, { method: 'POST', body });
    await response.body?.cancel();
    const record = await recordOf(tw, onAbandon);
    assert.equal(record.billedBy, billedBy);
    if (onAbandon === 'drain') {
      // 2 words in, 4 out.
      assert.equal(record.costAmount, '0.0000027');
    }
  }
});

test('a slow reader holds the provider back', async (context) => {
  const { tw, mock } = await openFile(context);
  const count = 200_000;
  const name = `openai/mock-words-${count}`;
  await tw.models.add(name, { apiKey: 'k', baseUrl: await mock.script('many', [{ automatic: true }]), prices: {} });
  const response = await tw.fetch({ user: 'alice' })(CHAT, {
    method: 'POST',
    body: chat({ model: name, stream: true }),
  });
  const sent = async (): Promise<number> => {
    const counts = (await (await fetch(`${mock.address}/_mock/counts`)).json()) as {
      scripts: Record<string, { bytes_sent: number }>;
    };
    return counts.scripts['many']?.bytes_sent ?? 0;
  };
  let before = -1;
  const held = await eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = await sent();
    const isStill = now === before;
    before = now;
    return isStill ? now : null;
  }, 20_000);
  // Each word is an event of well over a hundred bytes; what the buffers on the way hold is far less than all of them.
  assert.ok(held < (count * 100) / 2, `${held} bytes were read ahead`);
  await response.body?.cancel();
});

test('a garbage collected answer cancels its call', async (context) => {
  const { tw, path } = await openFile(context);
  await tw.close();
  const program = `
    require('node:v8').setFlagsFromString('--expose-gc');
    const gc = require('node:vm').runInNewContext('gc');
    const [path, masterKey, url, body] = process.argv.slice(1);
    const forever = new AbortController();
    (async () => {
      const tw = await tollway.Tollway.open(path, { masterKey });
      await (async () => {
        const response = await tw.fetch()(url, { method: 'POST', body, signal: forever.signal });
        if (response.status !== 200) throw new Error(await response.text());
      })();
      for (let tries = 0; (await tw.usage.records()).records.length === 0; tries += 1) {
        if (tries > 300) throw new Error('the answer was not given up');
        await new Promise((resolve) => setTimeout(resolve, 10));
        gc();
      }
      const [record] = (await tw.usage.records()).records;
      console.log(record.status, record.billedBy);
    })();`;
  const body = chat({ model: 'openai/trickle', stream: true, messages: [{ role: 'user', content: LONG }] });
  const ended = await runProgram(program, [path, MASTER_KEY, CHAT, body]);
  assert.deepEqual([ended.code, ended.errors], [0, '']);
  assert.match(ended.output, /^(cancelled|partial) estimate\n$/);
});

test('an answer left unread keeps no process running', async (context) => {
  const { tw, path } = await openFile(context);
  await tw.close();
  const program = `
    const [path, masterKey, url, body] = process.argv.slice(1);
    (async () => {
      const tw = await tollway.Tollway.open(path, { masterKey });
      globalThis.kept = await tw.fetch()(url, { method: 'POST', body });
      console.log(kept.status);
    })();`;
  const body = chat({ model: 'openai/trickle', stream: true, messages: [{ role: 'user', content: LONG }] });
  const started = performance.now();
  const ended = await runProgram(program, [path, MASTER_KEY, CHAT, body]);
  assert.deepEqual([ended.code, ended.output, ended.errors], [0, '200\n', '']);
  assert.ok(performance.now() - started < 10_000);
});

test('no socket is opened for a call', async (context) => {
  const { tw, path } = await openFile(context);
  await tw.close();
  const program = `
    const net = require('node:net');
    const refuse = () => { throw new Error('a socket was opened'); };
    net.Socket.prototype.connect = refuse;
    net.connect = net.createConnection = refuse;
    const dns = require('node:dns');
    dns.lookup = refuse;
    const [path, masterKey, url, ...bodies] = process.argv.slice(1);
    (async () => {
      // The patch holds: Node's own fetch fails by it.
      const failed = await fetch('http://127.0.0.1:50000/').then(() => null, (error) => error);
      console.log(String(failed?.cause?.message).includes('a socket was opened'));
      const tw = await tollway.Tollway.open(path, { masterKey });
      for (const body of bodies) {
        const response = await tw.fetch()(url, { method: 'POST', body });
        console.log(response.status, (await response.text()).includes('tollway'));
      }
    })();`;
  const ended = await runProgram(program, [path, MASTER_KEY, CHAT, chat(), chat({ stream: true })]);
  assert.deepEqual([ended.code, ended.errors], [0, '']);
  assert.equal(ended.output, 'true\n200 true\n200 true\n');
});

test('a closed file fails as fetch does, and the cause says why', async (context) => {
  const { tw } = await openFile(context);
  const call = tw.fetch();
  await tw.close();
  await assert.rejects(call(CHAT, { method: 'POST', body: chat() }), (error: unknown) => {
    assert.ok(error instanceof TypeError);
    assert.equal(error.message, 'fetch failed');
    assert.ok(error.cause instanceof ClosedError);
    return true;
  });
});

test('a provider that breaks a passed answer off ends its body in an error', async (context) => {
  const { tw } = await openEcho(context, { body: 'x'.repeat(5000), fault: { reset_after_bytes: 100 } });
  const response = await tw.fetch({ model: 'openai/echo' })('https://api.openai.com/v1/things');
  await assert.rejects(response.text(), (error: unknown) => {
    assert.ok(error instanceof TypeError);
    assert.equal((error.cause as { code?: string }).code, 'provider_unavailable');
    return true;
  });
});

test('options that are not known are refused when the function is made', async (context) => {
  const { tw } = await openFile(context);
  for (const [options, message] of [
    [
      { usr: 'alice' },
      /fetch\(\) got the unknown option "usr"; known are budgetWait, fallbacks, key, maxRetries, model, /,
    ],
    [{ idempotencyKey: 'once' }, /send it as the header idempotency-key/],
    [{ max_retries: 1 }, /is maxRetries here/],
    [{ user: 5 }, /options\.user: invalid type: .*, expected a string/],
    [{ onAbandon: 'never' }, /options\.onAbandon: unknown variant `never`/],
    [{ tags: { a: () => 'b' } }, /tags\.a is of type function/],
    [{ signal: new AbortController().signal }, /give it to the function that fetch\(\) returns/],
  ] as const) {
    assert.throws(
      () => tw.fetch(options as object),
      (error: unknown) => {
        assert.ok(error instanceof InvalidRequestError);
        assert.match(error.detail, message);
        return true;
      },
    );
  }
});

test('a hundred calls at once are each answered and billed', async (context) => {
  const { tw } = await openFile(context);
  const call = tw.fetch({ user: 'alice' });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, place) => {
      const body = chat({ stream: place % 2 === 0, messages: [{ role: 'user', content: `Call ${place}` }] });
      return (await call(CHAT, { method: 'POST', body })).text();
    }),
  );
  for (const [place, answer] of answers.entries()) {
    assert.ok(answer.includes(String(place)), answer);
  }
  const found = await records(tw, { user: 'alice' });
  assert.equal(found.length, 100);
  // 2 words in, 4 out, each.
  const total = decimal.add(...found.map(({ costAmount }) => costAmount ?? 'none'));
  assert.equal(decimal.compare(total, '0.00027'), 0);
});
