/** How calls of the AI SDK become requests of the engine, and its replies become those of the AI SDK. */

import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';

import type { LanguageModelV4CallOptions, LanguageModelV4Prompt, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { generateText, isStepCount, streamText, tool } from 'ai';
import { z } from 'zod';

import { tollway, type TollwayProvider } from '../../dist/ai-sdk/index.js';
import { tollway as tollway6 } from '../../dist/ai-sdk-6/index.js';
import type { Tollway } from '../../dist/index.js';
import { records } from '../support.js';
import { CALLER, CITY_SCHEMA, openVendors, stopMock } from './support.js';

after(stopMock);

const ASK: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'Name three rivers.' }] }];
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);

interface Served {
  readonly tw: Tollway;
  readonly provider: TollwayProvider;
  /** Returns what the provider was sent last. */
  readonly sent: () => Promise<Record<string, never>>;
}

/** Opens a file whose model `served` answers by a script, in the format of a vendor. */
async function openServed(context: TestContext, vendor: string, ...replies: readonly object[]): Promise<Served> {
  const { tw, mock } = await openVendors(context);
  const baseUrl = await mock.script('served', replies.length === 0 ? [{ automatic: true }] : replies);
  await tw.models.add(`${vendor}/served`, { alias: 'served', apiKey: 'k', baseUrl });
  const sent = async (): Promise<Record<string, never>> =>
    ((await mock.requests('served')) as { body: Record<string, never> }[]).at(-1)?.body ?? {};
  return { tw, provider: tollway(tw, CALLER), sent };
}

function generate(served: Served, options: Partial<LanguageModelV4CallOptions>) {
  return served.provider('served').doGenerate({ prompt: ASK, ...options });
}

test('settings reach the provider, and what is not understood is warned of', async (context) => {
  const served = await openServed(context, 'openai');
  const { warnings } = await generate(served, {
    maxOutputTokens: 50,
    temperature: 0.5,
    topP: 0.9,
    topK: 5,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    seed: 7,
    stopSequences: ['END'],
    reasoning: 'low',
    headers: { 'x-ignored': 'yes' },
    tools: [
      { type: 'function', name: 'weather', description: 'Tells it.', inputSchema: CITY_SCHEMA as never, strict: true },
      { type: 'function', name: 'other', inputSchema: { type: 'object' }, inputExamples: [{ input: {} }] },
      { type: 'provider', id: 'openai.web_search', name: 'web_search', args: {} },
    ],
    toolChoice: { type: 'tool', toolName: 'weather' },
    providerOptions: { tollway: { parallelToolCalls: false, serviceTier: 'flex', extra: { logit_bias: {} } } },
  });
  const { messages, model, tools, tool_choice, ...fields } = await served.sent();
  assert.equal(model, 'served');
  assert.deepEqual(messages, [{ role: 'user', content: 'Name three rivers.' }]);
  assert.deepEqual(fields, {
    max_completion_tokens: 50,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 5,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    seed: 7,
    stop: ['END'],
    reasoning_effort: 'low',
    parallel_tool_calls: false,
    service_tier: 'flex',
    logit_bias: {},
  });
  assert.deepEqual(tools, [
    {
      type: 'function',
      function: { name: 'weather', description: 'Tells it.', parameters: CITY_SCHEMA, strict: true },
    },
    { type: 'function', function: { name: 'other', parameters: { type: 'object' } } },
  ]);
  assert.deepEqual(tool_choice, { type: 'function', function: { name: 'weather' } });
  assert.deepEqual(
    warnings.map((warning) => 'feature' in warning && warning.feature),
    ['inputExamples', 'provider-defined tool openai.web_search'],
  );
});

test('options at their defaults are not sent to the provider', async (context) => {
  const served = await openServed(context, 'openai');
  const { warnings } = await generate(served, {
    reasoning: 'provider-default',
    toolChoice: { type: 'auto' },
    tools: [],
  });
  assert.deepEqual(
    [await served.sent(), warnings],
    [{ model: 'served', messages: [{ role: 'user', content: 'Name three rivers.' }] }, []],
  );
});

test('choices of a provider and of a call are joined', async (context) => {
  const served = await openServed(context, 'openai');
  const choices = { user: 'bob', tags: { tenant: 'blue' }, idempotencyKey: 'once' };
  const first = await generate(served, { providerOptions: { tollway: choices } });
  const second = await generate(served, { providerOptions: { tollway: choices } });
  const ids = [first, second].map(({ providerMetadata }) => providerMetadata?.['tollway']?.['requestId']);
  assert.equal(ids[0], ids[1]);
  assert.equal(second.providerMetadata?.['tollway']?.['replayed'], true);
  const found = await records(served.tw);
  assert.deepEqual(
    found.map(({ user, tags }) => [user, tags]),
    [['bob', { ...CALLER.tags, tenant: 'blue' }]],
  );
  const unknown = generate(served, { providerOptions: { tollway: { usr: 'bob' } } });
  await assert.rejects(unknown, /providerOptions\.tollway got the unknown option "usr"/);
  await assert.rejects(unknown, { statusCode: 400, isRetryable: false });
});

test('JSON is asked for with its schema, or without one', async (context) => {
  const served = await openServed(context, 'openai');
  const schema = CITY_SCHEMA as never;
  await generate(served, { responseFormat: { type: 'json', schema, name: 'city', description: 'A city.' } });
  assert.deepEqual((await served.sent())['response_format'], {
    type: 'json_schema',
    json_schema: { name: 'city', description: 'A city.', schema: CITY_SCHEMA, strict: true },
  });
  await generate(served, {
    responseFormat: { type: 'json', schema },
    providerOptions: { tollway: { strictJsonSchema: false } },
  });
  assert.deepEqual((await served.sent())['response_format'], {
    type: 'json_schema',
    json_schema: { name: 'response', schema: CITY_SCHEMA, strict: false },
  });
  await generate(served, { responseFormat: { type: 'json' } });
  assert.deepEqual((await served.sent())['response_format'], { type: 'json_object' });
});

test('files become the parts that providers know', async (context) => {
  const served = await openServed(context, 'openai');
  const image = { type: 'data', data: new Uint8Array(PIXEL) } as const;
  await generate(served, {
    prompt: [
      {
        role: 'user',
        content: [
          { type: 'file', mediaType: 'image/png', data: image },
          { type: 'file', mediaType: 'image/*', data: image, providerOptions: { openai: { imageDetail: 'low' } } },
          { type: 'file', mediaType: 'image', data: { type: 'url', url: new URL('https://images.test/a.png') } },
          { type: 'file', mediaType: 'audio/mpeg', data: { type: 'data', data: 'QUJD' } },
          { type: 'file', mediaType: 'application/pdf', filename: 'a.pdf', data: { type: 'data', data: 'QUJD' } },
          { type: 'file', mediaType: 'text/plain', data: { type: 'data', data: new TextEncoder().encode('ein Gruß') } },
          { type: 'file', mediaType: 'text/markdown', data: { type: 'text', text: '# Title' } },
          { type: 'file', mediaType: 'application/pdf', data: { type: 'reference', reference: { openai: 'file-1' } } },
        ],
      },
    ],
  });
  const png = `data:image/png;base64,${PIXEL.toString('base64')}`;
  const [message] = (await served.sent())['messages'] as unknown as [{ content: unknown }];
  assert.deepEqual(message.content, [
    { type: 'image_url', image_url: { url: png } },
    { type: 'image_url', image_url: { url: png, detail: 'low' } },
    { type: 'image_url', image_url: { url: 'https://images.test/a.png' } },
    { type: 'input_audio', input_audio: { data: 'QUJD', format: 'mp3' } },
    { type: 'file', file: { file_data: 'data:application/pdf;base64,QUJD', filename: 'a.pdf' } },
    { type: 'text', text: 'ein Gruß' },
    { type: 'text', text: '# Title' },
    { type: 'file', file: { file_id: 'file-1' } },
  ]);
  for (const [data, mediaType, message] of [
    [{ type: 'data', data: 'QUJD' }, 'image', /must name its type, such as image\/png/],
    [{ type: 'data', data: 'QUJD' }, 'application', /must name its whole type/],
    [{ type: 'reference', reference: { openai: '1', anthropic: '2' } }, 'application/pdf', /must name one provider/],
  ] as const) {
    const prompt: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'file', mediaType, data }] }];
    await assert.rejects(generate(served, { prompt }), { statusCode: 400, message });
  }
});

test('earlier turns of an assistant and its tools are sent again', async (context) => {
  const served = await openServed(context, 'openai');
  const result = (toolCallId: string, output: object) => ({ type: 'tool-result', toolCallId, toolName: 't', output });
  const { warnings } = await generate(served, {
    prompt: [
      { role: 'system', content: 'Be brief.' },
      ...ASK,
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Hmm.' },
          { type: 'text', text: 'One moment.' },
          { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'QUJD' } },
          ...['a', 'b', 'c', 'd', 'e', 'f'].map((toolCallId) => ({
            type: 'tool-call' as const,
            toolCallId,
            toolName: 't',
            input: { of: toolCallId },
          })),
        ],
      },
      {
        role: 'tool',
        content: [
          result('a', { type: 'text', value: 'plain' }),
          result('b', { type: 'json', value: { x: [1] } }),
          result('c', { type: 'error-text', value: 'broken' }),
          result('d', { type: 'error-json', value: { why: 'broken' } }),
          result('e', { type: 'execution-denied', reason: 'Not now.' }),
          result('f', { type: 'content', value: [{ type: 'text', text: 'parts' }, { type: 'custom' }] }),
          { type: 'tool-approval-response', approvalId: '1', approved: true },
        ] as never,
      },
    ],
  });
  const messages = (await served.sent())['messages'] as unknown as Record<string, unknown>[];
  assert.deepEqual(messages.slice(0, 2), [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Name three rivers.' },
  ]);
  assert.equal(messages[2]?.['content'], 'One moment.');
  assert.deepEqual((messages[2]?.['tool_calls'] as unknown[])[1], {
    id: 'b',
    type: 'function',
    function: { name: 't', arguments: '{"of":"b"}' },
  });
  assert.deepEqual(
    messages.slice(3).map(({ tool_call_id: id, content }) => [id, content]),
    [
      ['a', 'plain'],
      ['b', '{"x":[1]}'],
      ['c', 'Error: broken'],
      ['d', 'Error: {"why":"broken"}'],
      ['e', 'Not now.'],
      ['f', 'parts'],
    ],
  );
  assert.deepEqual(
    warnings.map((warning) => 'feature' in warning && warning.feature),
    ['file of the assistant', 'custom of a tool result', 'tool-approval-response'],
  );
});

test('cache breakpoints are kept, also those that were written for Anthropic’s provider', async (context) => {
  const served = await openServed(context, 'anthropic');
  const cacheControl = { type: 'ephemeral' } as const;
  await generate(served, {
    prompt: [
      { role: 'system', content: 'Be brief.', providerOptions: { anthropic: { cacheControl } } },
      {
        role: 'user',
        content: [
          {
            type: 'text',
            text: 'First.',
            providerOptions: { tollway: { cacheControl: { type: 'ephemeral', ttl: '1h' } } },
          },
          { type: 'text', text: 'Second.' },
        ],
        providerOptions: { anthropic: { cacheControl } },
      },
    ],
    tools: [
      {
        type: 'function',
        name: 'weather',
        inputSchema: CITY_SCHEMA as never,
        providerOptions: { anthropic: { cacheControl } },
      },
    ],
  });
  const { system, messages, tools } = (await served.sent()) as Record<string, unknown>;
  assert.deepEqual(system, [{ type: 'text', text: 'Be brief.', cache_control: cacheControl }]);
  assert.deepEqual((messages as { content: unknown }[])[0]?.content, [
    { type: 'text', text: 'First.', cache_control: { type: 'ephemeral', ttl: '1h' } },
    { type: 'text', text: 'Second.', cache_control: cacheControl },
  ]);
  assert.deepEqual((tools as { cache_control: unknown }[])[0]?.cache_control, cacheControl);
});

/** What Anthropic answers with thinking: first a call, then a text. */
const THINKING = {
  type: 'thinking',
  thinking: 'It may rain.',
  signature: 'c2lnbmVk',
};
const ANTHROPIC_USAGE = {
  input_tokens: 10,
  cache_read_input_tokens: 4,
  cache_creation_input_tokens: 6,
  output_tokens: 9,
};
const CALLED = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'served-2026',
  content: [THINKING, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Ulm' } }],
  stop_reason: 'tool_use',
  usage: ANTHROPIC_USAGE,
};
const SAID = { ...CALLED, id: 'msg_2', content: [{ type: 'text', text: 'It rains.' }], stop_reason: 'end_turn' };

function streamOf(message: typeof CALLED): object[] {
  const { content, stop_reason, usage, ...head } = message;
  const start = { type: 'message_start', message: { ...head, content: [], stop_reason: null, usage } };
  const blocks = (content as Record<string, unknown>[]).flatMap((block, index) => {
    const delta = (fields: object) => ({ type: 'content_block_delta', index, delta: fields });
    const empty = { thinking: '', signature: '', input: {}, text: '' };
    const begun = Object.fromEntries(
      Object.entries(block).map(([name, value]) => [name, name in empty ? empty[name as keyof typeof empty] : value]),
    );
    const pieces = {
      thinking: () => [
        delta({ type: 'thinking_delta', thinking: block['thinking'] }),
        delta({ type: 'signature_delta', signature: block['signature'] }),
      ],
      tool_use: () => [delta({ type: 'input_json_delta', partial_json: JSON.stringify(block['input']) })],
      text: () => [delta({ type: 'text_delta', text: block['text'] })],
    };
    return [
      { type: 'content_block_start', index, content_block: begun },
      ...pieces[block['type'] as keyof typeof pieces](),
      { type: 'content_block_stop', index },
    ];
  });
  const end = { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 9 } };
  return [start, ...blocks, end, { type: 'message_stop' }];
}

for (const streamed of [false, true]) {
  test(`signed reasoning goes back with the result of a tool${streamed ? ', streamed' : ''}`, async (context) => {
    const replies = streamed
      ? [{ events: streamOf(CALLED) }, { events: streamOf(SAID as unknown as typeof CALLED) }]
      : [{ body: CALLED }, { body: SAID }];
    const served = await openServed(context, 'anthropic', ...replies);
    const call = {
      model: served.provider('served'),
      prompt: 'Does it rain?',
      tools: { weather: tool({ inputSchema: z.object({ city: z.string() }), execute: () => 'Rain.' }) },
      stopWhen: isStepCount(2),
      providerOptions: { tollway: { extra: { thinking: { type: 'enabled', budget_tokens: 1024 } } } },
      maxOutputTokens: 2000,
    } as const;
    const steps = await (streamed ? streamText(call).steps : (await generateText(call)).steps);
    const [asked, said] = steps;
    assert.equal(asked?.reasoningText, 'It may rain.');
    assert.deepEqual(
      [asked?.finishReason, asked?.rawFinishReason, said?.text, said?.finishReason, said?.rawFinishReason],
      ['tool-calls', 'tool_use', 'It rains.', 'stop', 'end_turn'],
    );
    assert.deepEqual([said?.response.id, said?.response.modelId], ['msg_2', 'served-2026']);
    assert.deepEqual([asked?.usage.inputTokens, asked?.usage.outputTokens], [20, 9]);
    assert.deepEqual(asked?.usage.inputTokenDetails, { noCacheTokens: 10, cacheReadTokens: 4, cacheWriteTokens: 6 });
    const messages = (await served.sent())['messages'] as unknown as { role: string; content: unknown[] }[];
    assert.deepEqual(messages[1]?.content, CALLED.content);
    assert.deepEqual(
      (messages[2]?.content as { tool_use_id: string }[]).map(({ tool_use_id }) => tool_use_id),
      ['toolu_1'],
    );
  });
}

test('a stream has its parts in the order that the AI SDK wants', async (context) => {
  const served = await openServed(context, 'anthropic', { events: streamOf(CALLED) });
  const { stream } = await served.provider('served').doStream({ prompt: ASK, includeRawChunks: true });
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of stream) {
    parts.push(part);
  }
  const [start, ...rest] = parts;
  assert.ok(start?.type === 'stream-start');
  assert.deepEqual(
    start.warnings.map((warning) => 'feature' in warning && warning.feature),
    ['includeRawChunks'],
  );
  const call = { toolCallId: 'toolu_1', toolName: 'weather', input: '{"city":"Ulm"}' };
  assert.deepEqual(rest.slice(0, -2), [
    { type: 'reasoning-start', id: 'reasoning-0' },
    { type: 'reasoning-delta', id: 'reasoning-0', delta: 'It may rain.' },
    { type: 'reasoning-end', id: 'reasoning-0', providerMetadata: { tollway: { thinkingBlocks: [THINKING] } } },
    { type: 'tool-input-start', id: 'toolu_1', toolName: 'weather' },
    { type: 'tool-input-delta', id: 'toolu_1', delta: '{"city":"Ulm"}' },
    { type: 'tool-input-end', id: 'toolu_1' },
    { type: 'tool-call', ...call },
  ]);
  const [metadata, finish] = rest.slice(-2);
  assert.ok(metadata?.type === 'response-metadata' && finish?.type === 'finish');
  assert.deepEqual([metadata.id, metadata.modelId], ['msg_1', 'served-2026']);
  assert.deepEqual(finish.finishReason, { unified: 'tool-calls', raw: 'tool_use' });
  assert.deepEqual(finish.usage.inputTokens, { total: 20, noCache: 10, cacheRead: 4, cacheWrite: 6 });
  assert.deepEqual(finish.usage.outputTokens, { total: 9, text: 9, reasoning: undefined });
});

test('reasoning tokens, cut answers and withheld ones are told', async (context) => {
  const answer = (message: object, finish_reason: string) => ({
    body: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'served',
      choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
      usage: { prompt_tokens: 3, completion_tokens: 8, completion_tokens_details: { reasoning_tokens: 6 } },
    },
  });
  const served = await openServed(
    context,
    'openai',
    answer({ content: 'Cut' }, 'length'),
    answer({ content: null, refusal: 'I cannot.' }, 'content_filter'),
  );
  const cut = await generate(served, {});
  assert.deepEqual(cut.content, [{ type: 'text', text: 'Cut' }]);
  assert.deepEqual(cut.finishReason, { unified: 'length', raw: 'length' });
  assert.deepEqual(cut.usage.outputTokens, { total: 8, text: 2, reasoning: 6 });
  const withheld = await generate(served, {});
  assert.deepEqual([withheld.content, withheld.finishReason.unified], [[], 'content-filter']);
  assert.equal(withheld.providerMetadata?.['tollway']?.['refusal'], 'I cannot.');
});

test('addresses that an answer cites become sources', async (context) => {
  const cited = (url: string) => ({
    type: 'url_citation',
    url_citation: { url, title: 'T', start_index: 0, end_index: 1 },
  });
  const message = {
    role: 'assistant',
    content: 'As they say.',
    annotations: [cited('https://a.test/'), cited('https://b.test/'), cited('https://a.test/')],
  };
  const body = {
    id: 'c',
    object: 'chat.completion',
    model: 'served',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
  };
  const served = await openServed(context, 'openai', { body });
  const { content } = await generate(served, {});
  assert.deepEqual(
    content.map((part) =>
      part.type === 'source' && part.sourceType === 'url' ? [part.id, part.url, part.title] : part.type,
    ),
    ['text', ['source-0', 'https://a.test/', 'T'], ['source-1', 'https://b.test/', 'T']],
  );
});

test('models of the AI SDK 6 are taken by its successor too', async (context) => {
  const { tw } = await openVendors(context);
  const { text } = await generateText({
    model: tollway6(tw, CALLER)('openai/house-model'),
    prompt: 'Name three rivers.',
  });
  assert.equal(text, 'You said: Name three rivers.');
});
