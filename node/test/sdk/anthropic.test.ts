import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import Anthropic, { APIError, APIUserAbortError, RateLimitError } from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
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
const ASKED = { max_tokens: 300, messages: [{ role: 'user' as const, content: PROMPT }] };
const TOOL = { name: 'weather', input_schema: CITY_SCHEMA as unknown as Anthropic.Tool.InputSchema };
const City = z.object({ city: z.string() });

function library({ tw }: Opened, options: Parameters<Opened['tw']['fetch']>[0] = {}): Anthropic {
  return new Anthropic({ apiKey: 'never sent', fetch: tw.fetch({ ...CALLER, ...options }) });
}

/** What the engine adds to the library's objects. */
function addedTo(value: unknown): { cost: string; currency: string; model: string } {
  return (value as { tollway: ReturnType<typeof addedTo> }).tollway;
}

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

for (const model of HOUSE) {
  test(`messages are served by ${model}`, async (context) => {
    const opened = await openVendors(context);
    const message = await library(opened).messages.create({ model, ...ASKED });
    assert.deepEqual([textOf(message), message.stop_reason], [ANSWER, 'end_turn']);
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [3, 5]);
    assert.deepEqual([addedTo(message).model, addedTo(message).currency], [model, 'USD']);
    assert.equal(decimal.compare(addedTo(message).cost, costOf(model, 3, 5)), 0);
    await checkLedger(opened.tw, { model, input: 3, output: 5 });
  });

  test(`messages are streamed from ${model}`, async (context) => {
    const opened = await openVendors(context);
    const pieces: string[] = [];
    let end: Anthropic.RawMessageDeltaEvent | undefined;
    for await (const event of await library(opened).messages.create({ model, ...ASKED, stream: true })) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
        pieces.push(event.delta.text);
      }
      end = event.type === 'message_delta' ? event : end;
    }
    assert.ok(pieces.length > 3);
    assert.equal(pieces.join(''), ANSWER);
    assert.deepEqual([end?.delta.stop_reason, end?.usage.output_tokens], ['end_turn', 5]);
    assert.equal(decimal.compare(addedTo(end).cost, costOf(model, 3, 5)), 0);
    await checkLedger(opened.tw, { model, input: 3, output: 5 });
  });

  test(`the library joins the pieces of ${model}`, async (context) => {
    const opened = await openVendors(context);
    const message = await library(opened)
      .messages.stream({ model, ...ASKED })
      .finalMessage();
    assert.deepEqual([textOf(message), message.stop_reason], [ANSWER, 'end_turn']);
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [3, 5]);
    await checkLedger(opened.tw, { model, input: 3, output: 5 });
  });

  test(`a tool is called and answered by ${model}`, async (context) => {
    const opened = await openVendors(context);
    const anthropic = library(opened);
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: TOOL_QUESTION }];
    const asked = await anthropic.messages.create({ model, max_tokens: 300, messages, tools: [TOOL] });
    assert.equal(asked.stop_reason, 'tool_use');
    const call = asked.content.find((block) => block.type === 'tool_use');
    assert.ok(call);
    assert.deepEqual([call.name, call.input], ['weather', CITY]);
    const result = { type: 'tool_result' as const, tool_use_id: call.id, content: TOOL_RESULT };
    messages.push({ role: 'assistant', content: asked.content }, { role: 'user', content: [result] });
    const answered = await anthropic.messages.create({ model, max_tokens: 300, messages, tools: [TOOL] });
    assert.equal(answered.stop_reason, 'end_turn');
    await checkLedger(opened.tw, ...toolRound(model));
  });

  test(`a streamed call of a tool is joined from ${model}`, async (context) => {
    const opened = await openVendors(context);
    const messages = [{ role: 'user' as const, content: TOOL_QUESTION }];
    const stream = library(opened).messages.stream({ model, max_tokens: 300, messages, tools: [TOOL] });
    const call = (await stream.finalMessage()).content.find((block) => block.type === 'tool_use');
    assert.deepEqual([call?.name, call?.input], ['weather', CITY]);
    await checkLedger(opened.tw, toolRound(model)[0]);
  });

  test(`structured output is parsed from ${model}`, async (context) => {
    const opened = await openVendors(context);
    const output_config = { format: zodOutputFormat(City) };
    const message = await library(opened).messages.parse({ model, ...ASKED, output_config });
    assert.deepEqual(message.parsed_output, CITY);
    await checkLedger(opened.tw, { model, input: 3, output: 1 });
  });

  test(`a limit falls back to ${model}`, async (context) => {
    const opened = await openVendors(context);
    const anthropic = library(opened, { fallbacks: [model] });
    const message = await anthropic.messages.create({ model: 'anthropic/limited-claude', ...ASKED });
    assert.deepEqual([textOf(message), addedTo(message).model], [ANSWER, model]);
    await checkLedger(
      opened.tw,
      { model: 'anthropic/limited-claude', status: 'failed' },
      { model, input: 3, output: 5 },
    );
  });
}

test('a budget refuses as the library’s own error, before the provider is asked', async (context) => {
  const opened = await openVendors(context);
  const anthropic = library(opened);
  await exhaustBudget(opened.tw);
  const calls = [
    () => anthropic.messages.create({ model: 'text', ...ASKED }),
    () => anthropic.messages.create({ model: 'text', ...ASKED, stream: true }),
    () => anthropic.messages.stream({ model: 'text', ...ASKED }).finalMessage(),
  ];
  for (const call of calls) {
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof APIError);
      assert.equal(error.status, 402);
      assert.equal(error.headers?.get('x-tollway-error-code'), 'budget_exceeded');
      assert.match(JSON.stringify(error.error), /"code":"budget_exceeded"/);
      return true;
    });
  }
  await checkRefused(opened.tw);
});

test('a limit without a fallback is the library’s own error, and is not sent again', async (context) => {
  const opened = await openVendors(context);
  const call = library(opened).messages.create({ model: 'anthropic/limited-claude', ...ASKED });
  await assert.rejects(call, RateLimitError);
  await checkLedger(opened.tw, { model: 'anthropic/limited-claude', status: 'failed' });
});

const STREAMED = {
  model: 'openai/trickle',
  max_tokens: 300,
  messages: [{ role: 'user' as const, content: LONG }],
  stream: true as const,
};

test('a stream that is left early is cancelled', async (context) => {
  const opened = await openVendors(context);
  let pieces = 0;
  for await (const _ of await library(opened).messages.create(STREAMED)) {
    pieces += 1;
    if (pieces === 4) {
      break;
    }
  }
  await checkGivenUp(opened.tw, opened.mock, LONG);
});

test('a stream whose signal fires is cancelled', async (context) => {
  const opened = await openVendors(context);
  const controller = new AbortController();
  let pieces = 0;
  for await (const _ of await library(opened).messages.create(STREAMED, { signal: controller.signal })) {
    pieces += 1;
    if (pieces === 4) {
      controller.abort();
    }
  }
  assert.ok(pieces < 50, `${pieces} pieces came`);
  await checkGivenUp(opened.tw, opened.mock, LONG);
});

test('a call whose signal fires while it waits rejects as the library says', async (context) => {
  const opened = await openVendors(context);
  const signal = await opened.mock.signalOnceSent('slow');
  const call = library(opened).messages.create({ model: 'openai/slow', ...ASKED }, { signal });
  await assert.rejects(call, APIUserAbortError);
  const record = await recordOf(opened.tw, CALLER.user);
  assert.deepEqual([record.model, record.status, record.billedBy], ['openai/slow', 'cancelled', 'estimate']);
});

test('the answer’s headers say what the call cost', async (context) => {
  const opened = await openVendors(context);
  const { data, response } = await library(opened)
    .messages.create({ model: 'text', ...ASKED })
    .withResponse();
  assert.equal(response.headers.get('x-tollway-model'), 'openai/house-model');
  assert.equal(response.headers.get('x-tollway-cost'), addedTo(data).cost);
  const [record] = await checkLedger(opened.tw, { model: 'openai/house-model', input: 3, output: 5 });
  assert.equal(response.headers.get('x-tollway-request-id'), record?.requestId);
});

test('the list of models is that of the file, in this vendor’s form', async (context) => {
  const opened = await openVendors(context);
  const listed: string[] = [];
  for await (const model of library(opened).models.list()) {
    listed.push(model.id);
  }
  assert.ok(
    HOUSE.every((name) => listed.includes(name)),
    listed.join(', '),
  );
  assert.deepEqual(await records(opened.tw), []);
});

test('twenty calls at once are each billed', async (context) => {
  const opened = await openVendors(context);
  const anthropic = library(opened);
  const calls = Array.from({ length: 20 }, (_, place) =>
    anthropic.messages.create({
      model: HOUSE[place % HOUSE.length] ?? '',
      max_tokens: 300,
      messages: [{ role: 'user', content: `Call ${place}` }],
    }),
  );
  assert.deepEqual(
    (await Promise.all(calls)).map(textOf),
    calls.map((_, place) => `You said: Call ${place}`),
  );
  const found = await records(opened.tw);
  const total = decimal.add(...found.map(({ costAmount }) => costAmount ?? 'none'));
  const each = calls.map((_, place) => costOf(HOUSE[place % HOUSE.length] ?? '', 2, 4));
  assert.deepEqual([found.length, decimal.compare(total, decimal.add(...each))], [20, 0]);
});
