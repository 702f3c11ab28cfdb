import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { type AIMessageChunk, HumanMessage, ToolMessage, type UsageMetadata } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { APIError } from 'openai';
import { z } from 'zod';

import { decimal, type FetchOptions } from '../../dist/index.js';
import { recordOf, records } from '../support.js';
import {
  CALLER,
  checkGivenUp,
  checkLedger,
  checkRefused,
  CITY,
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
  words,
} from './support.js';

after(stopMock);

const PROMPT = 'Name three rivers.';
const ANSWER = `You said: ${PROMPT}`;
const City = z.object({ city: z.string() });
const weather = tool(() => TOOL_RESULT, { name: 'weather', description: 'Tells the weather.', schema: City });

/** The two of OpenAI's formats that LangChain speaks. */
const FORMATS = [
  ['chat completions', false],
  ['responses', true],
] as const;

function chatModel({ tw }: Opened, model: string, useResponsesApi: boolean, options: FetchOptions = {}): ChatOpenAI {
  const configuration = { fetch: tw.fetch({ ...CALLER, ...options }) };
  return new ChatOpenAI({ model, apiKey: 'never sent', useResponsesApi, configuration });
}

/** The types of its messages depend on the form of their content, and lose the usage here. */
function tokensOf(message: unknown): (number | undefined)[] {
  const usage = (message as { usage_metadata?: UsageMetadata }).usage_metadata;
  return [usage?.input_tokens, usage?.output_tokens];
}

for (const [format, useResponsesApi] of FORMATS) {
  for (const name of HOUSE) {
    test(`${format}: a message is answered by ${name}`, async (context) => {
      const opened = await openVendors(context);
      const reply = await chatModel(opened, name, useResponsesApi).invoke(PROMPT);
      assert.equal(reply.text, ANSWER);
      assert.deepEqual(tokensOf(reply), [3, 5]);
      await checkLedger(opened.tw, { model: name, input: 3, output: 5 });
    });

    test(`${format}: an answer is streamed from ${name}`, async (context) => {
      const opened = await openVendors(context);
      let joined: AIMessageChunk | undefined;
      let pieces = 0;
      for await (const chunk of await chatModel(opened, name, useResponsesApi).stream(PROMPT)) {
        joined = joined === undefined ? chunk : joined.concat(chunk);
        pieces += chunk.text === '' ? 0 : 1;
      }
      assert.ok(pieces > 1);
      assert.equal(joined?.text, ANSWER);
      assert.deepEqual(tokensOf(joined), [3, 5]);
      await checkLedger(opened.tw, { model: name, input: 3, output: 5 });
    });

    test(`${format}: a tool is called and answered by ${name}`, async (context) => {
      const opened = await openVendors(context);
      const model = chatModel(opened, name, useResponsesApi).bindTools([weather]);
      const question = new HumanMessage(TOOL_QUESTION);
      const asked = await model.invoke([question]);
      const [call] = asked.tool_calls ?? [];
      assert.ok(call);
      assert.deepEqual([call.name, call.args], ['weather', CITY]);
      const result: unknown = await weather.invoke(call);
      assert.ok(result instanceof ToolMessage);
      const answered = await model.invoke([question, asked, result]);
      assert.deepEqual(answered.tool_calls, []);
      await checkLedger(opened.tw, ...toolRound(name));
    });

    test(`${format}: structured output is parsed from ${name}`, async (context) => {
      const opened = await openVendors(context);
      const model = chatModel(opened, name, useResponsesApi);
      const parsed = await model.withStructuredOutput(City, { method: 'jsonSchema', name: 'city' }).invoke(PROMPT);
      assert.deepEqual(parsed, CITY);
      await checkLedger(opened.tw, { model: name, input: 3, output: 1 });
    });

    test(`${format}: a limit falls back to ${name}`, async (context) => {
      const opened = await openVendors(context);
      const model = chatModel(opened, 'openai/limited', useResponsesApi, { fallbacks: [name] });
      assert.equal((await model.invoke(PROMPT)).text, ANSWER);
      await checkLedger(opened.tw, { model: 'openai/limited', status: 'failed' }, { model: name, input: 3, output: 5 });
    });
  }

  test(`${format}: a budget refuses as the library’s own error, before the provider is asked`, async (context) => {
    const opened = await openVendors(context);
    await exhaustBudget(opened.tw);
    const model = chatModel(opened, 'text', useResponsesApi);
    const read = async (): Promise<void> => {
      for await (const chunk of await model.stream(PROMPT)) {
        assert.fail(`a piece came: ${chunk.text}`);
      }
    };
    for (const call of [() => model.invoke(PROMPT), read]) {
      await assert.rejects(call, (error: unknown) => {
        assert.ok(error instanceof APIError, String(error));
        assert.deepEqual([error.status, error.code], [402, 'budget_exceeded']);
        return true;
      });
    }
    await checkRefused(opened.tw);
  });

  test(`${format}: a stream that is left early is cancelled`, async (context) => {
    const opened = await openVendors(context);
    let pieces = 0;
    for await (const _ of await chatModel(opened, 'openai/trickle', useResponsesApi).stream(LONG)) {
      pieces += 1;
      if (pieces === 2) {
        break;
      }
    }
    await checkGivenUp(opened.tw, opened.mock, LONG);
  });

  test(`${format}: a stream whose signal fires is cancelled`, async (context) => {
    const opened = await openVendors(context);
    const controller = new AbortController();
    const { signal } = controller;
    let pieces = 0;
    const read = async (): Promise<void> => {
      for await (const _ of await chatModel(opened, 'openai/trickle', useResponsesApi).stream(LONG, { signal })) {
        pieces += 1;
        if (pieces === 2) {
          controller.abort();
        }
      }
    };
    await assert.rejects(read, /abort/i);
    assert.ok(pieces < 50, `${pieces} pieces came`);
    await checkGivenUp(opened.tw, opened.mock, LONG);
  });

  test(`${format}: a call whose signal fires while it waits is cancelled`, async (context) => {
    const opened = await openVendors(context);
    const signal = await opened.mock.signalOnceSent('slow');
    await assert.rejects(chatModel(opened, 'openai/slow', useResponsesApi).invoke(PROMPT, { signal }));
    const record = await recordOf(opened.tw, CALLER.user);
    assert.deepEqual([record.model, record.status, record.billedBy], ['openai/slow', 'cancelled', 'estimate']);
  });

  test(`${format}: twenty calls at once are each billed`, async (context) => {
    const opened = await openVendors(context);
    const names = Array.from({ length: 20 }, (_, place) => HOUSE[place % HOUSE.length] ?? '');
    const calls = names.map((name, place) => chatModel(opened, name, useResponsesApi).invoke(`Call ${place}`));
    const texts = (await Promise.all(calls)).map(({ text }) => text);
    assert.deepEqual(
      texts,
      names.map((_, place) => `You said: Call ${place}`),
    );
    const found = await records(opened.tw);
    const total = decimal.add(...found.map(({ costAmount }) => costAmount ?? 'none'));
    const each = decimal.add(...names.map((name) => costOf(name, 2, 4)));
    assert.deepEqual([found.length, decimal.compare(total, each)], [20, 0]);
  });
}

test('a batch of messages is billed per call', async (context) => {
  const opened = await openVendors(context);
  const model = chatModel(opened, 'anthropic/house-claude', false);
  const replies = await model.batch([PROMPT, 'And three lakes, please.'], { maxConcurrency: 1 });
  assert.deepEqual(
    replies.map(({ text }) => text),
    [ANSWER, 'You said: And three lakes, please.'],
  );
  const lakes = words('And three lakes, please.');
  await checkLedger(
    opened.tw,
    { model: 'anthropic/house-claude', input: 3, output: 5 },
    { model: 'anthropic/house-claude', input: lakes, output: lakes + 2 },
  );
});

test('embeddings are served and recorded, without a price where none is set', async (context) => {
  const opened = await openVendors(context);
  const body = {
    object: 'list',
    model: 'house-vectors',
    data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25] }],
  };
  const baseUrl = await opened.mock.script('vectors', [{ body }]);
  await opened.tw.models.add('openai/house-vectors', { apiKey: 'k', baseUrl, capability: 'embedding', prices: {} });
  const configuration = { fetch: opened.tw.fetch(CALLER) };
  const embeddings = new OpenAIEmbeddings({
    model: 'openai/house-vectors',
    apiKey: 'never sent',
    encodingFormat: 'float',
    configuration,
  });
  assert.deepEqual(await embeddings.embedQuery('two words'), [0.5, -0.25]);
  const record = await recordOf(opened.tw, CALLER.user);
  assert.deepEqual([record.model, record.costStatus, record.costAmount], ['openai/house-vectors', 'unpriced', null]);
});
