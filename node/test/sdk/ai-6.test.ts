/** The AI SDK 6 over the engine: directly, and by its provider of OpenAI over `fetch`. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { createOpenAI } from '@ai-sdk/openai-6';
import { APICallError, generateText, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai-6';
import { z } from 'zod';

import { tollway } from '../../dist/ai-sdk-6/index.js';
import { BudgetExceededError } from '../../dist/index.js';
import {
  CALLER,
  checkGivenUp,
  checkLedger,
  checkRefused,
  CITY,
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

const WAYS: readonly (readonly [way: string, make: (opened: Opened, name: string) => LanguageModel])[] = [
  ['OpenAI’s chat', ({ tw }, name) => createOpenAI({ apiKey: 'never sent', fetch: tw.fetch(CALLER) }).chat(name)],
  ['tollway/ai-sdk-6', ({ tw }, name) => tollway(tw, CALLER)(name)],
];

for (const [way, make] of WAYS) {
  for (const name of HOUSE) {
    test(`${way}: text is made by ${name}, and streamed`, async (context) => {
      const opened = await openVendors(context);
      const whole = await generateText({ model: make(opened, name), prompt: PROMPT });
      assert.deepEqual([whole.text, whole.finishReason, whole.warnings], [ANSWER, 'stop', []]);
      const streamed = streamText({ model: make(opened, name), prompt: PROMPT });
      const pieces: string[] = [];
      for await (const piece of streamed.textStream) {
        pieces.push(piece);
      }
      assert.ok(pieces.length > 3);
      assert.equal(pieces.join(''), ANSWER);
      assert.equal(await streamed.finishReason, 'stop');
      for (const { inputTokens, outputTokens } of [whole.usage, await streamed.usage]) {
        assert.deepEqual([inputTokens, outputTokens], [3, 5]);
      }
      const expected = { model: name, input: 3, output: 5 };
      await checkLedger(opened.tw, expected, expected);
    });

    test(`${way}: a tool is called and answered by ${name}, and structured output is made`, async (context) => {
      const opened = await openVendors(context);
      const model = make(opened, name);
      const tools = { weather: tool({ inputSchema: City, execute: () => TOOL_RESULT }) };
      const { steps } = await generateText({ model, prompt: TOOL_QUESTION, tools, stopWhen: stepCountIs(2) });
      assert.deepEqual(
        steps.map(({ finishReason }) => finishReason),
        ['tool-calls', 'stop'],
      );
      assert.deepEqual(
        steps[0]?.toolResults.map(({ input, output }) => [input, output]),
        [[CITY, TOOL_RESULT]],
      );
      const { output } = await generateText({ model, prompt: PROMPT, output: Output.object({ schema: City }) });
      assert.deepEqual(output, CITY);
      await checkLedger(opened.tw, ...toolRound(name), { model: name, input: 3, output: 1 });
    });
  }

  test(`${way}: a budget refuses as the AI SDK’s own error`, async (context) => {
    const opened = await openVendors(context);
    await exhaustBudget(opened.tw);
    await assert.rejects(generateText({ model: make(opened, HOUSE[0]), prompt: PROMPT }), (error: unknown) => {
      assert.ok(APICallError.isInstance(error), String(error));
      assert.deepEqual([error.statusCode, error.isRetryable], [402, false]);
      assert.ok(way !== 'tollway/ai-sdk-6' || error.cause instanceof BudgetExceededError);
      return true;
    });
    await checkRefused(opened.tw);
  });

  test(`${way}: a stream whose signal fires is cancelled`, async (context) => {
    const opened = await openVendors(context);
    const controller = new AbortController();
    const { signal: abortSignal } = controller;
    let pieces = 0;
    for await (const _ of streamText({ model: make(opened, 'openai/trickle'), prompt: LONG, abortSignal }).textStream) {
      pieces += 1;
      if (pieces === 2) {
        controller.abort();
      }
    }
    assert.ok(pieces < 50, `${pieces} pieces came`);
    await checkGivenUp(opened.tw, opened.mock, LONG);
  });
}

test('files of the user reach the provider', async (context) => {
  const { tw, mock } = await openVendors(context);
  const baseUrl = await mock.script('files', [{ automatic: true }]);
  await tw.models.add('openai/files', { apiKey: 'k', baseUrl });
  await generateText({
    model: tollway(tw, CALLER)('openai/files'),
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', image: new URL('https://images.test/a.png'), mediaType: 'image/png' },
          { type: 'file', data: new Uint8Array([65, 66, 67]), mediaType: 'application/pdf', filename: 'a.pdf' },
        ],
      },
    ],
  });
  const [{ body }] = (await mock.requests('files')) as [{ body: { messages: [{ content: unknown }] } }];
  assert.deepEqual(body.messages[0].content, [
    { type: 'image_url', image_url: { url: 'https://images.test/a.png' } },
    { type: 'file', file: { file_data: 'data:application/pdf;base64,QUJD', filename: 'a.pdf' } },
  ]);
});

test('files of tools reach the provider', async (context) => {
  const { tw, mock } = await openVendors(context);
  const baseUrl = await mock.script('tools', [{ automatic: true }]);
  await tw.models.add('anthropic/tools', { apiKey: 'k', baseUrl });
  await generateText({
    model: tollway(tw, CALLER)('anthropic/tools'),
    messages: [
      { role: 'user', content: PROMPT },
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'a', toolName: 't', input: {} }] },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'a',
            toolName: 't',
            output: {
              type: 'content',
              value: [
                { type: 'text', text: 'parts' },
                { type: 'image-data', data: 'QUJD', mediaType: 'image/png' },
                { type: 'image-url', url: 'https://images.test/a.png' },
                { type: 'file-data', data: 'QUJD', mediaType: 'application/pdf', filename: 'a.pdf' },
                { type: 'file-url', url: 'https://images.test/a.pdf', mediaType: 'application/pdf' },
                { type: 'file-id', fileId: { anthropic: 'file_1' } },
              ],
            },
          },
        ],
      },
    ],
  });
  const [{ body }] = (await mock.requests('tools')) as [{ body: { messages: { content: unknown }[] } }];
  const encoded = (type: string): object => ({ type: 'base64', media_type: type, data: 'QUJD' });
  const content = [
    { type: 'text', text: 'parts' },
    { type: 'image', source: encoded('image/png') },
    { type: 'image', source: { type: 'url', url: 'https://images.test/a.png' } },
    { type: 'document', source: encoded('application/pdf'), title: 'a.pdf' },
    { type: 'document', source: { type: 'url', url: 'https://images.test/a.pdf' } },
    { type: 'document', source: { type: 'file', file_id: 'file_1' } },
  ];
  assert.deepEqual(body.messages.at(-1)?.content, [{ type: 'tool_result', tool_use_id: 'a', content }]);
});
