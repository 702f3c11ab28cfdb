/** Wrong arguments: each error names the argument, says what is taken, and repeats no secret. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { formatReceipt, InvalidRequestError, Tollway } from '../dist/index.js';
import { MASTER_KEY, openFile, PRICES, records, stopMock, temporaryPath } from './support.js';

after(stopMock);

// What a program without types may pass.
// biome-ignore lint/suspicious/noExplicitAny: as above
type Untyped = any;

const TERMS = PRICES.input_token;
const circular: Untyped = { role: 'user' };
circular.content = circular;

const WRONG: [call: (tw: Untyped) => Promise<unknown>, text: RegExp][] = [
  [(tw) => tw.chat(null), /chat: messages must be a string, or an array such as/],
  [(tw) => tw.chat(), /chat: messages must be|missing field `messages`/],
  [(tw) => tw.chat({ user: 'alice' }), /messages/],
  [(tw) => tw.chat({ messages: 'Hi' }, { user: 'alice' }), /not two objects/],
  [(tw) => tw.chat('Hi', { messages: 'Hi' }), /messages twice/],
  [(tw) => tw.chat(['Hi']), /messages\[0\].* expected a message such as/],
  [(tw) => tw.chat([{ role: 'user', content: 5 }]), /\[0\]: `content` must be a/],
  [(tw) => tw.chat([{ role: 'user', content: 5n }]), /^chat: messages\[0\]\.content is of type bigint/],
  [(tw) => tw.chat([{ role: 'user', content: new Map() }]), /messages\[0\]\.content is of type Map/],
  [(tw) => tw.chat([{ role: 'user', content: Buffer.from('Hi') }]), /content is of type Buffer/],
  [(tw) => tw.chat([{ role: 'user', content: Promise.resolve('Hi') }]), /content is of type Promise/],
  [(tw) => tw.chat([undefined]), /messages\[0\] is undefined/],
  [(tw) => tw.chat([circular]), /holds itself/],
  [(tw) => tw.chat(() => 'Hi'), /messages is of type function/],
  [(tw) => tw.chat('\ud83d'), /messages holds half of a surrogate pair/],
  [(tw) => tw.chat('Hi', { temperature: Number.NaN }), /temperature must be a finite number/],
  [(tw) => tw.chat('Hi', { timeout: '1' }), /timeout: .* expected a number/],
  [(tw) => tw.chat('Hi', { maxTokens: -1 }), /^chat: maxTokens: .* integer of zero or more/],
  [(tw) => tw.chat('Hi', { fallbacks: 'a/b' }), /fallbacks: .* expected an array/],
  [(tw) => tw.chat('Hi', { tags: ['a'] }), /tags: .* expected an object/],
  [(tw) => tw.chat('Hi', { tags: { a: 5 } }), /tags/],
  [(tw) => tw.chat('Hi', { idempotencyKey: '' }), /idempotencyKey is empty/],
  [(tw) => tw.chat('Hi', { extra: [1] }), /extra must be an object such as .*, not an array/],
  [(tw) => tw.chat('Hi', { extra: { max_tokens: 5 } }), /extra holds "max_tokens", which chat\(\) takes as an option/],
  [(tw) => tw.chat('Hi', { signal: 5 }), /signal must be an AbortSignal, not number/],
  [(tw) => tw.chat('Hi', { stream: true }), /chatStream\(/],
  [(tw) => tw.chat('Hi', { maxCompletionTokens: 5 }), /which is maxTokens here/],
  [(tw) => tw.chat('Hi', { max_tokens: 5 }), /which is maxTokens here/],
  [(tw) => tw.chat('Hi', { topK: 5 }), /unknown option "topK"; known are .*topP.*extra: \{/],
  [(tw) => tw.chat('Hi', 5), /the options of chat\(\) must be an object/],
  [(tw) => tw.chat('Hi', new Map([['user', 'alice']])), /the options of chat\(\) must be an object .*not Map/],
  [(tw) => tw.chat('Hi', Promise.resolve({ user: 'alice' })), /not Promise; await it first/],
  [(tw) => tw.chat(Promise.resolve('Hi')), /not Promise; await it first/],
  [(tw) => tw.chat('Hi', { extra: new Map([['top_k', 5]]) }), /extra must be an object .*not Map/],
  [(tw) => tw.chat('Hi', { maxTokens: 0 }), /`maxTokens` is zero/],
  [(tw) => tw.quote('Hi', { topK: 5 }), /quote\(\) got the unknown option "topK"/],
  [
    (tw) => tw.models.add('openai/other', { key: 'k' }),
    /models\.add\(\) got the unknown option "key"; known are .*apiKey/,
  ],
  [(tw) => tw.models.update('openai/slow', { priority: null }), /priority to null/],
  [(tw) => tw.models.update('openai/slow', { prices: {} }), /models\.update\(\) got the unknown option "prices"/],
  [(tw) => tw.models.delete({ id: 1 }), /model/],
  [(tw) => tw.models.add('house/x', {}), /set baseUrl on the model/],
  [(tw) => tw.prices.set('openai/slow', []), /prices must be an object such as/],
  [(tw) => tw.prices.set('openai/slow', new Map()), /prices must be an object such as .*not Map/],
  [(tw) => tw.prices.set('openai/slow', { request: { unit: 'per_request' } }), /missing field `unitPrice`/],
  [(tw) => tw.prices.set('openai/slow', { request: '5' }), /the price of request must be an object/],
  [(tw) => tw.prices.set('openai/slow', { inputs: TERMS }), /prices\.inputs: .*input_token/],
  [(tw) => tw.prices.set('openai/slow', { input_token: { ...TERMS, unit_price: '1' } }), /which is unitPrice here/],
  [
    (tw) => tw.prices.set('openai/slow', { request: { ...TERMS, effectiveDate: 'soon' } }),
    /must be an instant .* such as/,
  ],
  [
    (tw) => tw.prices.set('openai/slow', { request: { ...TERMS, effectiveDate: 5 } }),
    /effectiveDate of request must be a Date/,
  ],
  [(tw) => tw.budgets.set({}), /limit with currency or meter, limitTokens, or limitRequests/],
  [(tw) => tw.budgets.set({ limit: '5', currency: 'USD', tag: 'ab' }), /tag must be a key and a value/],
  [(tw) => tw.budgets.set({ limit: '5', currency: 'USD', tag: ['a'] }), /tag must be a key and a value/],
  [(tw) => tw.budgets.set({ limit: '5', currency: 'USD', window: 'fortnight' }), /month/],
  [(tw) => tw.budgets.set({ limit: '5', ccy: 'USD' }), /budgets\.set\(\) got the unknown option "ccy"/],
  [(tw) => tw.routes.set('text', { strategy: 'economy', maximumCost: '1' }), /maximumCost must be an object/],
  [(tw) => tw.routes.set('text', { strategy: 'economy', maximumCost: { currency: 'USD' } }), /amount/],
  [(tw) => tw.usage.records({ since: 'yesterday' }), /since: must be an instant/],
  [(tw) => tw.usage.records({ since: new Date(Number.NaN) }), /since is an invalid Date/],
  [(tw) => tw.usage.records({ sinse: '2026-01-01' }), /usage\.records\(\) got the unknown option "sinse"/],
  [(tw) => tw.usage.iterate({ limit: 5 }).next(), /usage\.iterate\(\) got the unknown option "limit"/],
  [(tw) => tw.usage.summary({ by: 5 }), /by: .* expected an array/],
  [(tw) => tw.prices.rerate('2026-01-01', { when: 1 }), /prices\.rerate\(\) got the unknown option "when"/],
  [(tw) => tw.prices.importFile(5, { format: 'tollway' }), /path must be a string/],
  [(tw) => tw.prices.importFile('list.json'), /^prices\.importFile: missing field `format`/],
  [(tw) => tw.prices.importFile('list\ud83d.json', { format: 'tollway' }), /path holds half of a surrogate pair/],
  [async (tw) => tw.fetch({ user: 5 }), /^fetch: .*user: .*expected a string/],
  [async (tw) => tw.fetch({ timeout: -1 }), /timeout must be a positive number/],
  [async (tw) => tw.fetch({ onAbandon: 'wait' }), /onAbandon: .*cancel_and_estimate/],
  [async (tw) => tw.fetch({ maxRetries: 1.5 }), /maxRetries: .*integer/],
  [async () => formatReceipt(null as Untyped), /takes the receipt of a reply/],
  [async (tw) => formatReceipt(await tw.models.list()), /takes the receipt of a reply/],
  [(tw) => tw.rotateMasterKey(), /^rotateMasterKey: missing field `masterKey`/],
  [(tw) => tw.fx.set('USD', 'CNY', '7', { date: '2026-01-01' }), /fx\.set\(\) got the unknown option "date"/],
  [(tw) => tw.close(Number.NaN), /close: timeout must be a finite number/],
  [(tw) => tw.close(-1), /timeout must be a positive number/],
];

test('a wrong argument is named', async (context) => {
  const { tw } = await openFile(context);
  for (const [call, text] of WRONG) {
    await context.test(String(call).slice(8, 90), async () => {
      await assert.rejects(
        async () => call(tw),
        (error: unknown) => {
          assert.ok(error instanceof InvalidRequestError, String(error));
          assert.match(error.detail, text);
          return true;
        },
      );
    });
  }
  assert.deepEqual(await records(tw), []);
});

test('options that are undefined or null count as absent', async (context) => {
  const { tw } = await openFile(context);
  const reply = await tw.chat('Hi', {
    maxTokens: null,
    user: null,
    signal: null,
    extra: { top_k: null, seed_: undefined },
  });
  assert.equal(reply.text, 'You said: Hi');
  const untyped: Untyped = { model: undefined, tags: undefined };
  assert.equal((await tw.chat('Hi', untyped)).text, 'You said: Hi');
});

test('a wrong path or key is named, and no secret is repeated', async (context) => {
  const untyped: Untyped = Tollway;
  for (const path of [null, 5, ['a'], Buffer.from('a')]) {
    await assert.rejects(untyped.open(path, { masterKey: MASTER_KEY }), /path must be a string/);
  }
  await assert.rejects(untyped.open(new URL('http://127.0.0.1/a'), { masterKey: MASTER_KEY }), /not a http: URL/);
  await assert.rejects(untyped.open('', { masterKey: MASTER_KEY }), /path is empty/);
  const path = temporaryPath(context);
  await assert.rejects(untyped.open(path), /masterKey must be a string, or a function/);
  await assert.rejects(
    untyped.open(path, { masterkey: MASTER_KEY }),
    /unknown option "masterkey"; known are .*masterKey/,
  );
  await assert.rejects(untyped.open(path, { masterKey: MASTER_KEY, durability: 'strickt' }), /durability/);
  assert.throws(() => new untyped(path), /made by await Tollway\.open/);

  const { tw } = await openFile(context);
  for (const secret of [98765432, 98765.432, ['98765432'], { a: '98765432' }, 98765432n, Buffer.from('98765432')]) {
    const given: Untyped = secret;
    for (const call of [
      () => tw.models.add('openai/other', { apiKey: given }),
      () => tw.models.update('openai/slow', { apiKey: given }),
      () => tw.rotateMasterKey(given),
      () => Tollway.open(path, { masterKey: given }),
    ]) {
      await assert.rejects(call, (error: unknown) => {
        assert.ok(error instanceof InvalidRequestError, String(error));
        assert.match(error.detail, /api_key|apiKey|master_key|masterKey/);
        assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /98765/);
        return true;
      });
    }
  }
});
