import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { createOpenAI } from '@ai-sdk/openai';
import {
  APICallError,
  createProviderRegistry,
  generateText,
  isStepCount,
  type LanguageModel,
  Output,
  streamText,
  tool,
} from 'ai';
import { z } from 'zod';

import { tollway } from '../../dist/ai-sdk/index.js';
import { BudgetExceededError, decimal, type FetchOptions, Tollway } from '../../dist/index.js';
import { eventually, MASTER_KEY, PACKAGE, recordOf, records, runProgram } from '../support.js';
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
} from './support.js';

after(stopMock);

const PROMPT = 'Name three rivers.';
const ANSWER = `You said: ${PROMPT}`;
const City = z.object({ city: z.string() });
const TOOLS = { weather: tool({ inputSchema: City, execute: () => TOOL_RESULT }) };

/** A program that leaves a stream, and ends when the ledger says that it was given up. */
const LEAVE = `
  const [path, masterKey, way, prompt] = process.argv.slice(1);
  const load = require('node:module').createRequire(${JSON.stringify(join(PACKAGE, 'package.json'))});
  const { streamText } = load('ai');
  const { createOpenAI } = load('@ai-sdk/openai');
  const provider = load('tollway/ai-sdk');
  require('node:v8').setFlagsFromString('--expose-gc');
  const gc = require('node:vm').runInNewContext('gc');
  const caller = ${JSON.stringify(CALLER)};
  async function leave(tw) {
    const openai = createOpenAI({ apiKey: 'never sent', fetch: tw.fetch(caller) });
    const name = 'openai/trickle';
    const model = way.endsWith('responses') ? openai(name) : way.endsWith('chat') ? openai.chat(name) : provider.tollway(tw, caller)(name);
    let pieces = 0;
    for await (const _ of streamText({ model, prompt }).textStream) {
      pieces += 1;
      if (pieces === 2) break;
    }
  }
  (async () => {
    const tw = await tollway.Tollway.open(path, { masterKey });
    await leave(tw);
    for (let tries = 0; (await tw.usage.records()).records.length === 0; tries += 1) {
      if (tries > 300) throw new Error('the stream was not given up');
      await new Promise((resolve) => setTimeout(resolve, 10));
      gc();
    }
  })();
`;

type MakeModel = (opened: Opened, name: string, options?: FetchOptions) => LanguageModel;

const overFetch = ({ tw }: Opened, options: FetchOptions = {}): ReturnType<typeof createOpenAI> =>
  createOpenAI({ apiKey: 'never sent', fetch: tw.fetch({ ...CALLER, ...options }) });

/** The ways in which the AI SDK reaches the engine. */
const WAYS: readonly (readonly [way: string, make: MakeModel])[] = [
  ['OpenAI’s responses', (opened, name, options) => overFetch(opened, options)(name)],
  ['OpenAI’s chat', (opened, name, options) => overFetch(opened, options).chat(name)],
  ['tollway/ai-sdk', ({ tw }, name, options) => tollway(tw, { ...CALLER, ...options })(name)],
];

for (const [way, make] of WAYS) {
  for (const name of HOUSE) {
    test(`${way}: text is made by ${name}`, async (context) => {
      const opened = await openVendors(context);
      const result = await generateText({ model: make(opened, name), prompt: PROMPT });
      assert.deepEqual([result.text, result.finishReason], [ANSWER, 'stop']);
      assert.deepEqual([result.usage.inputTokens, result.usage.outputTokens], [3, 5]);
      assert.deepEqual(result.warnings, []);
      await checkLedger(opened.tw, { model: name, input: 3, output: 5 });
    });

    test(`${way}: text is streamed from ${name}`, async (context) => {
      const opened = await openVendors(context);
      const result = streamText({ model: make(opened, name), prompt: PROMPT });
      const pieces: string[] = [];
      for await (const piece of result.textStream) {
        pieces.push(piece);
      }
      assert.ok(pieces.length > 3);
      assert.equal(pieces.join(''), ANSWER);
      assert.equal(await result.finishReason, 'stop');
      const usage = await result.usage;
      assert.deepEqual([usage.inputTokens, usage.outputTokens], [3, 5]);
      await checkLedger(opened.tw, { model: name, input: 3, output: 5 });
    });

    for (const streamed of [false, true]) {
      test(`${way}: a tool is called${streamed ? ' in a stream' : ''} and answered by ${name}`, async (context) => {
        const opened = await openVendors(context);
        const call = {
          model: make(opened, name),
          prompt: TOOL_QUESTION,
          tools: TOOLS,
          stopWhen: isStepCount(2),
        } as const;
        const steps = await (streamed ? streamText(call).steps : (await generateText(call)).steps);
        const [asked, answered] = steps;
        assert.equal(steps.length, 2);
        assert.equal(asked?.finishReason, 'tool-calls');
        assert.deepEqual(
          asked?.toolCalls.map(({ toolName, input }) => [toolName, input]),
          [['weather', CITY]],
        );
        assert.deepEqual(
          asked?.toolResults.map(({ output }) => output),
          [TOOL_RESULT],
        );
        assert.equal(answered?.finishReason, 'stop');
        await checkLedger(opened.tw, ...toolRound(name));
      });
    }

    test(`${way}: structured output is made by ${name}`, async (context) => {
      const opened = await openVendors(context);
      const output = Output.object({ schema: City });
      const result = await generateText({ model: make(opened, name), prompt: PROMPT, output });
      assert.deepEqual(result.output, CITY);
      await checkLedger(opened.tw, { model: name, input: 3, output: 1 });
    });

    test(`${way}: a limit falls back to ${name}`, async (context) => {
      const opened = await openVendors(context);
      const model = make(opened, 'openai/limited', { fallbacks: [name] });
      assert.equal((await generateText({ model, prompt: PROMPT })).text, ANSWER);
      await checkLedger(opened.tw, { model: 'openai/limited', status: 'failed' }, { model: name, input: 3, output: 5 });
    });
  }

  test(`${way}: a budget refuses as the AI SDK’s own error, before the provider is asked`, async (context) => {
    const opened = await openVendors(context);
    await exhaustBudget(opened.tw);
    const call = { model: make(opened, 'openai/house-model'), prompt: PROMPT };
    const check = (error: unknown): true => {
      assert.ok(APICallError.isInstance(error), String(error));
      assert.deepEqual([error.statusCode, error.isRetryable], [402, false]);
      assert.match(error.responseBody ?? '', /"code":"budget_exceeded"/);
      return true;
    };
    await assert.rejects(generateText(call), check);
    const errors: unknown[] = [];
    const result = streamText({ ...call, onError: ({ error }) => void errors.push(error) });
    await result.consumeStream();
    assert.equal(errors.length, 1);
    check(errors[0]);
    await checkRefused(opened.tw);
  });

  test(`${way}: a stream that is left is cancelled once it is garbage collected`, async (context) => {
    // The AI SDK keeps the rest of a stream that was left, for its other readers: what is unread holds the provider back.
    const { tw, mock, path } = await openVendors(context);
    await tw.close();
    const ended = await runProgram(LEAVE, [path, MASTER_KEY, way, LONG]);
    assert.deepEqual([ended.code, ended.errors], [0, '']);
    const reopened = await Tollway.open(path, { masterKey: MASTER_KEY });
    context.after(() => reopened.close());
    await checkGivenUp(reopened, mock, LONG);
  });

  test(`${way}: a stream whose signal fires is cancelled`, async (context) => {
    const opened = await openVendors(context);
    const controller = new AbortController();
    const abortSignal = controller.signal;
    let aborted = false;
    const result = streamText({
      model: make(opened, 'openai/trickle'),
      prompt: LONG,
      abortSignal,
      onAbort: () => {
        aborted = true;
      },
    });
    let pieces = 0;
    for await (const _ of result.textStream) {
      pieces += 1;
      if (pieces === 2) {
        controller.abort();
      }
    }
    assert.ok(aborted && pieces < 50, `${pieces} pieces came`);
    await checkGivenUp(opened.tw, opened.mock, LONG);
  });

  test(`${way}: a call whose signal fires while it waits is cancelled`, async (context) => {
    const opened = await openVendors(context);
    const abortSignal = await opened.mock.signalOnceSent('slow', new DOMException('timed out', 'TimeoutError'));
    const call = generateText({ model: make(opened, 'openai/slow'), prompt: PROMPT, abortSignal });
    await assert.rejects(call, { name: 'TimeoutError' });
    const record = await recordOf(opened.tw, CALLER.user);
    assert.deepEqual([record.model, record.status, record.billedBy], ['openai/slow', 'cancelled', 'estimate']);
  });

  test(`${way}: twenty calls at once are each billed`, async (context) => {
    const opened = await openVendors(context);
    const names = Array.from({ length: 20 }, (_, place) => HOUSE[place % HOUSE.length] ?? '');
    const calls = names.map((name, place) => generateText({ model: make(opened, name), prompt: `Call ${place}` }));
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

test('tollway/ai-sdk: what a call cost is in the metadata, whole and streamed', async (context) => {
  const opened = await openVendors(context);
  const model = tollway(opened.tw, CALLER)('anthropic/house-claude');
  const whole = await generateText({ model, prompt: PROMPT });
  const streamed = streamText({ model, prompt: PROMPT });
  await streamed.consumeStream();
  const metadata = [whole.finalStep.providerMetadata, (await streamed.finalStep).providerMetadata];
  const found = await records(opened.tw);
  for (const [place, each] of metadata.entries()) {
    const { cost, currency, costStatus, requestId, receipt } = each?.['tollway'] ?? {};
    const record = found[place];
    assert.deepEqual(
      [cost, currency, costStatus, requestId],
      [record?.costAmount, 'USD', 'computed', record?.requestId],
    );
    assert.deepEqual((receipt as unknown as { lines: unknown }).lines, record?.receipt);
  }
  assert.deepEqual(
    [
      whole.finalStep.response.modelId,
      typeof whole.finalStep.response.id,
      whole.finalStep.response.timestamp instanceof Date,
    ],
    [found[0]?.servedModel, 'string', true],
  );
});

test('tollway/ai-sdk: the error holds the TollwayError', async (context) => {
  const opened = await openVendors(context);
  await exhaustBudget(opened.tw);
  const call = generateText({ model: tollway(opened.tw, CALLER)(), prompt: PROMPT });
  await assert.rejects(call, (error: unknown) => {
    assert.ok(APICallError.isInstance(error));
    assert.ok(error.data instanceof BudgetExceededError);
    assert.ok(error.cause instanceof BudgetExceededError);
    assert.deepEqual([error.data.code, error.message], ['budget_exceeded', error.data.message]);
    return true;
  });
});

test('tollway/ai-sdk: a limit is not sent again by the AI SDK', async (context) => {
  const opened = await openVendors(context);
  const call = generateText({ model: tollway(opened.tw, CALLER)('openai/limited'), prompt: PROMPT });
  await assert.rejects(call, (error: unknown) => {
    assert.ok(APICallError.isInstance(error));
    assert.deepEqual([error.statusCode, error.responseHeaders?.['retry-after']], [429, '30']);
    return true;
  });
  await checkLedger(opened.tw, { model: 'openai/limited', status: 'failed' });
});

test('tollway/ai-sdk: a stream that breaks ends in an error part', async (context) => {
  const opened = await openVendors(context);
  const broken = { automatic: true, chunk_delay_ms: 20, fault: { reset_after_bytes: 700 } };
  const baseUrl = await opened.mock.script('broken', [broken]);
  await opened.tw.models.add('openai/broken', { apiKey: 'k', baseUrl });
  const { stream } = await tollway(
    opened.tw,
    CALLER,
  )('openai/broken').doStream({
    prompt: [{ role: 'user', content: [{ type: 'text', text: LONG }] }],
  });
  const parts: string[] = [];
  let error: unknown;
  for await (const part of stream) {
    parts.push(part.type);
    error = part.type === 'error' ? part.error : error;
  }
  assert.deepEqual([...new Set(parts)], ['stream-start', 'text-start', 'text-delta', 'error', 'finish']);
  assert.ok(APICallError.isInstance(error));
  assert.equal(error.statusCode, 503);
});

test('tollway/ai-sdk: a model left unread does not run ahead of its reader', async (context) => {
  const opened = await openVendors(context);
  const { stream } = await tollway(
    opened.tw,
    CALLER,
  )('openai/trickle').doStream({
    prompt: [{ role: 'user', content: [{ type: 'text', text: LONG }] }],
  });
  const reader = stream.getReader();
  assert.equal((await reader.read()).value?.type, 'stream-start');
  await reader.cancel();
  await checkGivenUp(opened.tw, opened.mock, LONG);
});

test('tollway/ai-sdk: models are found in a registry, and wrong names and options are refused', async (context) => {
  const { tw } = await openVendors(context);
  const provider = tollway(tw, CALLER);
  const model = createProviderRegistry({ tollway: provider }, { separator: ' > ' }).languageModel('tollway > text');
  assert.equal((await generateText({ model, prompt: PROMPT })).text, ANSWER);
  assert.throws(() => provider.embeddingModel('vectors'), /tw\.fetch\(\)/);
  assert.throws(() => tollway(tw, { usr: 'alice' } as never), /tollway\(\) got the unknown option "usr"/);
  assert.throws(() => tollway({} as never), /takes an open file/);
  await eventually(async () => (await records(tw)).length === 1);
});
