import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import OpenAI, { APIError, APIUserAbortError } from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { decimal } from '../../dist/index.js';
import { recordOf, records } from '../support.js';
import {
  CALLER,
  checkGivenUp,
  checkLedger,
  checkRefused,
  CITY,
  CITY_SCHEMA,
  costOf,
  exhaustBudget,
  HOUSE,
  LONG,
  openVendors,
  type Opened,
  stopMock,
  TOOL_QUESTION,
  TOOL_RESULT,
  toolRound,
} from './support.js';

after(stopMock);

const PROMPT = 'Name three rivers.';
const ANSWER = `You said: ${PROMPT}`;
const MESSAGES = [{ role: 'user' as const, content: PROMPT }];
const TOOL = { type: 'function' as const, function: { name: 'weather', parameters: CITY_SCHEMA } };
const City = z.object({ city: z.string() });

function library({ tw }: Opened, options: Parameters<Opened['tw']['fetch']>[0] = {}): OpenAI {
  return new OpenAI({ apiKey: 'never sent', fetch: tw.fetch({ ...CALLER, ...options }) });
}

/** What the engine adds to the library's objects. */
function addedTo(value: unknown): { cost: string; currency: string; model: string; receipt: { lines: unknown[] } } {
  return (value as { tollway: ReturnType<typeof addedTo> }).tollway;
}

for (const model of HOUSE) {
  test(`chat completions are served by ${model}`, async (context) => {
    const opened = await openVendors(context);
    const reply = await library(opened).chat.completions.create({ model, messages: MESSAGES });
    assert.equal(reply.choices[0]?.message.content, ANSWER);
    assert.equal(reply.choices[0]?.finish_reason, 'stop');
    assert.deepEqual([reply.usage?.prompt_tokens, reply.usage?.completion_tokens], [3, 5]);
    const { cost, currency, model: served, receipt } = addedTo(reply);
    assert.deepEqual([currency, served, receipt.lines.length], ['USD', model, 2]);
    assert.equal(decimal.compare(cost, costOf(model, 3, 5)), 0);
    await checkLedger(opened.tw, { model, input: 3, output: 5 });
  });

  test(`chat completions are streamed from ${model}`, async (context) => {
    const opened = await openVendors(context);
    const stream = await library(opened).chat.completions.create({
      model,
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    let last: OpenAI.ChatCompletionChunk | undefined;
    for await (const chunk of stream) {
      pieces.push(chunk.choices[0]?.delta.content ?? '');
      last = chunk;
    }
    assert.ok(pieces.length > 3);
    assert.equal(pieces.join(''), ANSWER);
    assert.deepEqual([last?.usage?.prompt_tokens, last?.usage?.completion_tokens], [3, 5]);
    assert.equal(decimal.compare(addedTo(last).cost, costOf(model, 3, 5)), 0);
    await checkLedger(opened.tw, { model, input: 3, output: 5 });
  });

  test(`a tool is called and answered by ${model}`, async (context) => {
    const opened = await openVendors(context);
    const openai = library(opened);
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: TOOL_QUESTION }];
    const asked = await openai.chat.completions.create({ model, messages, tools: [TOOL] });
    const message = asked.choices[0]?.message;
    assert.equal(asked.choices[0]?.finish_reason, 'tool_calls');
    const [call] = message?.tool_calls ?? [];
    assert.ok(message !== undefined && call?.type === 'function');
    assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ['weather', CITY]);
    messages.push(message, { role: 'tool', tool_call_id: call.id, content: TOOL_RESULT });
    const answered = await openai.chat.completions.create({ model, messages, tools: [TOOL] });
    assert.equal(answered.choices[0]?.finish_reason, 'stop');
    await checkLedger(opened.tw, ...toolRound(model));
  });

  test(`structured output is parsed from ${model}`, async (context) => {
    const opened = await openVendors(context);
    const reply = await library(opened).chat.completions.parse({
      model,
      messages: MESSAGES,
      response_format: zodResponseFormat(City, 'city'),
    });
    assert.deepEqual(reply.choices[0]?.message.parsed, CITY);
    await checkLedger(opened.tw, { model, input: 3, output: 1 });
  });

  test(`a limit falls back to ${model}`, async (context) => {
    const opened = await openVendors(context);
    const openai = library(opened, { fallbacks: [model] });
    const reply = await openai.chat.completions.create({ model: 'openai/limited', messages: MESSAGES });
    assert.equal(reply.choices[0]?.message.content, ANSWER);
    assert.equal(addedTo(reply).model, model);
    await checkLedger(opened.tw, { model: 'openai/limited', status: 'failed' }, { model, input: 3, output: 5 });
  });

  test(`responses are made, streamed, called and parsed by ${model}`, async (context) => {
    const opened = await openVendors(context);
    const openai = library(opened);
    const made = await openai.responses.create({ model, input: PROMPT });
    assert.equal(made.output_text, ANSWER);
    assert.equal(made.status, 'completed');
    assert.deepEqual([made.usage?.input_tokens, made.usage?.output_tokens], [3, 5]);
    assert.equal(decimal.compare(addedTo(made).cost, costOf(model, 3, 5)), 0);

    let text = '';
    let completed: OpenAI.Responses.Response | undefined;
    for await (const event of await openai.responses.create({ model, input: PROMPT, stream: true })) {
      text += event.type === 'response.output_text.delta' ? event.delta : '';
      completed = event.type === 'response.completed' ? event.response : completed;
    }
    assert.equal(text, ANSWER);
    assert.equal(decimal.compare(addedTo(completed).cost, costOf(model, 3, 5)), 0);

    const tools: OpenAI.Responses.Tool[] = [
      { type: 'function', name: 'weather', parameters: CITY_SCHEMA, strict: true },
    ];
    const asked = await openai.responses.create({ model, input: TOOL_QUESTION, tools });
    const call = asked.output.find((item) => item.type === 'function_call');
    assert.ok(call);
    assert.deepEqual([call.name, JSON.parse(call.arguments)], ['weather', CITY]);
    const answered = await openai.responses.create({
      model,
      tools,
      input: [
        { role: 'user', content: TOOL_QUESTION },
        ...(asked.output as OpenAI.Responses.ResponseInputItem[]),
        { type: 'function_call_output', call_id: call.call_id, output: TOOL_RESULT },
      ],
    });
    assert.equal(answered.status, 'completed');

    const parsed = await openai.responses.parse({
      model,
      input: PROMPT,
      text: { format: zodTextFormat(City, 'city') },
    });
    assert.deepEqual(parsed.output_parsed, CITY);
    await checkLedger(opened.tw, { model, input: 3, output: 5 }, { model, input: 3, output: 5 }, ...toolRound(model), {
      model,
      input: 3,
      output: 1,
    });
  });
}

test('a budget refuses as the library’s own error, once, before the provider is asked', async (context) => {
  const opened = await openVendors(context);
  const openai = library(opened);
  await exhaustBudget(opened.tw);
  const calls = [
    () => openai.chat.completions.create({ model: 'text', messages: MESSAGES }),
    () => openai.chat.completions.create({ model: 'text', messages: MESSAGES, stream: true }),
    () => openai.responses.create({ model: 'text', input: PROMPT }),
    () => openai.responses.create({ model: 'text', input: PROMPT, stream: true }),
  ];
  for (const call of calls) {
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof APIError);
      assert.deepEqual([error.status, error.code], [402, 'budget_exceeded']);
      assert.match(error.message, /budget/);
      return true;
    });
  }
  await checkRefused(opened.tw);
});

for (const [name, start] of [
  [
    'chat',
    (openai: OpenAI, signal?: AbortSignal) =>
      openai.chat.completions.create(
        { model: 'openai/trickle', messages: [{ role: 'user', content: LONG }], stream: true },
        { signal: signal ?? null },
      ),
  ],
  [
    'response',
    (openai: OpenAI, signal?: AbortSignal) =>
      openai.responses.create({ model: 'openai/trickle', input: LONG, stream: true }, { signal: signal ?? null }),
  ],
] as const) {
  test(`a streamed ${name} that is left early is cancelled`, async (context) => {
    const opened = await openVendors(context);
    let pieces = 0;
    for await (const _ of await start(library(opened))) {
      pieces += 1;
      if (pieces === 2) {
        break;
      }
    }
    await checkGivenUp(opened.tw, opened.mock, LONG);
  });

  test(`a streamed ${name} whose signal fires is cancelled`, async (context) => {
    const opened = await openVendors(context);
    const controller = new AbortController();
    let pieces = 0;
    for await (const _ of await start(library(opened), controller.signal)) {
      pieces += 1;
      if (pieces === 2) {
        controller.abort();
      }
    }
    assert.ok(pieces < 50, `${pieces} pieces came`);
    await checkGivenUp(opened.tw, opened.mock, LONG);
  });
}

test('a call whose signal fires while it waits rejects as the library says', async (context) => {
  const opened = await openVendors(context);
  const signal = await opened.mock.signalOnceSent('slow');
  const call = library(opened).chat.completions.create({ model: 'openai/slow', messages: MESSAGES }, { signal });
  await assert.rejects(call, APIUserAbortError);
  const record = await recordOf(opened.tw, CALLER.user);
  assert.deepEqual([record.model, record.status, record.billedBy], ['openai/slow', 'cancelled', 'estimate']);
});

test('the answer’s headers say what the call cost', async (context) => {
  const opened = await openVendors(context);
  const { data, response } = await library(opened)
    .chat.completions.create({ model: 'text', messages: MESSAGES })
    .withResponse();
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-tollway-model'), 'openai/house-model');
  assert.equal(response.headers.get('x-tollway-cost'), addedTo(data).cost);
  assert.equal(response.headers.get('x-tollway-currency'), 'USD');
  assert.equal(response.headers.get('x-tollway-cost-status'), 'computed');
  assert.equal(response.headers.get('x-tollway-attempts'), '1');
  assert.deepEqual(JSON.parse(response.headers.get('x-tollway-receipt') ?? ''), addedTo(data).receipt);
  const [record] = await checkLedger(opened.tw, { model: 'openai/house-model', input: 3, output: 5 });
  assert.equal(response.headers.get('x-tollway-request-id'), record?.requestId);
});

test('headers of a request choose for it alone what was left open', async (context) => {
  const opened = await openVendors(context);
  const openai = library(opened);
  const call = { model: 'text', messages: MESSAGES } as const;
  const headers = { 'x-tollway-user': 'bob', 'x-tollway-tags': '{"tenant": "blue"}', 'idempotency-key': 'once' };
  const first = await openai.chat.completions.create(call, { headers });
  const second = await openai.chat.completions.create(call, { headers });
  assert.deepEqual(second.choices, first.choices);
  await openai.chat.completions.create(call);
  const found = await records(opened.tw);
  assert.deepEqual(
    found.map(({ user, tags }) => [user, tags]),
    [
      ['alice', { ...CALLER.tags, tenant: 'blue' }],
      ['alice', CALLER.tags],
    ],
  );
});

test('the list of models is that of the file', async (context) => {
  const opened = await openVendors(context);
  const openai = library(opened);
  const listed: string[] = [];
  for await (const model of openai.models.list()) {
    listed.push(model.id);
  }
  assert.ok(
    HOUSE.every((name) => listed.includes(name)),
    listed.join(', '),
  );
  assert.equal((await openai.models.retrieve('anthropic/house-claude')).owned_by, 'anthropic');
  await assert.rejects(openai.models.retrieve('openai/none'), (error: unknown) => {
    assert.ok(error instanceof APIError);
    assert.deepEqual([error.status, error.code], [404, 'not_found']);
    return true;
  });
  assert.deepEqual(await records(opened.tw), []);
});

test('embeddings are served and recorded, without a price where none is set', async (context) => {
  const opened = await openVendors(context);
  const embedding = { object: 'embedding', index: 0, embedding: [0.5, -0.25] };
  const body = {
    object: 'list',
    model: 'house-vectors',
    data: [embedding],
    usage: { prompt_tokens: 2, total_tokens: 2 },
  };
  const baseUrl = await opened.mock.script('vectors', [{ body }]);
  await opened.tw.models.add('openai/house-vectors', {
    apiKey: 'sk-vectors',
    baseUrl,
    capability: 'embedding',
    prices: {},
  });
  const openai = library(opened);
  const asked = { model: 'openai/house-vectors', input: 'two words', encoding_format: 'float' } as const;
  const { data, response } = await openai.embeddings.create(asked).withResponse();
  assert.deepEqual(data.data[0]?.embedding, [0.5, -0.25]);
  assert.equal(response.headers.get('x-tollway-cost-status'), 'unpriced');
  const [record, ...others] = await records(opened.tw);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [record?.model, record?.status, record?.costStatus, record?.costAmount, record?.user],
    ['openai/house-vectors', 'success', 'unpriced', null, 'alice'],
  );
  const [seen] = (await opened.mock.requests('vectors')) as { headers: [string, string][]; body: unknown }[];
  assert.ok(JSON.stringify(seen).includes('sk-vectors'));
  assert.ok(!JSON.stringify(seen).includes('never sent'));
});

test('twenty calls at once are each billed', async (context) => {
  const opened = await openVendors(context);
  const openai = library(opened);
  const calls = Array.from({ length: 20 }, (_, place) =>
    openai.chat.completions.create({
      model: HOUSE[place % HOUSE.length] ?? '',
      messages: [{ role: 'user', content: `Call ${place}` }],
    }),
  );
  const replies = await Promise.all(calls);
  assert.deepEqual(
    replies.map((reply) => reply.choices[0]?.message.content),
    calls.map((_, place) => `You said: Call ${place}`),
  );
  const found = await records(opened.tw);
  assert.equal(found.length, 20);
  const total = decimal.add(...found.map(({ costAmount }) => costAmount ?? 'none'));
  const each = replies.map((_, place) => costOf(HOUSE[place % HOUSE.length] ?? '', 2, 4));
  assert.equal(decimal.compare(total, decimal.add(...each)), 0);
});
