/** Replies of the engine in the AI SDK's words. */

import type {
  JSONObject,
  LanguageModelV3FinishReason,
  LanguageModelV4Reasoning,
  LanguageModelV4ResponseMetadata,
  LanguageModelV4Source,
  LanguageModelV4Text,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import type { ChatReply } from '../results.js';

/** What replies consist of: parts that every version of the AI SDK's interface has. */
export type Content = LanguageModelV4Reasoning | LanguageModelV4Source | LanguageModelV4Text | LanguageModelV4ToolCall;

/** What a caller is told that does not reach the provider. */
export type Warning = Extract<SharedV4Warning, { type: 'unsupported' }>;

/** What the first answer's message may hold beside its text and calls. */
interface FirstMessage {
  readonly refusal?: string | null;
  readonly thinking_blocks?: readonly unknown[];
  readonly annotations?: readonly { readonly url_citation?: { readonly url?: string; readonly title?: string } }[];
}

const FINISH_REASONS: Readonly<Record<string, LanguageModelV3FinishReason['unified']>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
};

/** Names why an answer ended. */
export function finishReasonOf(reply: ChatReply): LanguageModelV3FinishReason {
  const { finishReason, providerFinishReason } = reply;
  return {
    unified: FINISH_REASONS[finishReason ?? ''] ?? 'other',
    raw: providerFinishReason ?? finishReason ?? undefined,
  };
}

/** Counts tokens. What the provider did not report is undefined, which is not zero. */
export function usageOf(reply: ChatReply): LanguageModelV4Usage {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens, meters } = reply.usage;
  return {
    inputTokens: {
      total: inputTokens ?? undefined,
      noCache: inputTokens === null ? undefined : inputTokens - (cachedInputTokens ?? 0) - (cacheWriteTokens ?? 0),
      cacheRead: cachedInputTokens ?? undefined,
      cacheWrite: cacheWriteTokens ?? undefined,
    },
    outputTokens: {
      total: outputTokens ?? undefined,
      text: outputTokens === null ? undefined : outputTokens - (reasoningTokens ?? 0),
      reasoning: reasoningTokens ?? undefined,
    },
    raw: meters as JSONObject,
  };
}

/** Says what the call cost, and what else no field of the AI SDK has a place for. */
export function metadataOf(reply: ChatReply): SharedV4ProviderMetadata {
  const { requestId, model, cost, currency, costStatus, receipt, attempts, replayed } = reply;
  const { refusal } = saidIn(reply);
  const metadata = {
    requestId,
    model,
    cost,
    currency,
    costStatus,
    receipt,
    attempts,
    replayed,
    ...(typeof refusal === 'string' ? { refusal } : {}),
  };
  return { tollway: metadata as unknown as JSONObject };
}

/** Names the answer and the model that gave it. */
export function responseOf(reply: ChatReply, timestamp: Date): LanguageModelV4ResponseMetadata {
  return { id: reply.id ?? reply.requestId, modelId: reply.servedModel ?? reply.model, timestamp };
}

/** Lists the content of a reply: reasoning, text, calls, and the sources that it cites. */
export function contentOf(reply: ChatReply): Content[] {
  const content: Content[] = [];
  const blocks = saidIn(reply).thinking_blocks ?? [];
  if ((reply.reasoning ?? '') !== '' || blocks.length > 0) {
    content.push({ type: 'reasoning', text: reply.reasoning ?? '', ...reasoningMetadata(blocks) });
  }
  if (reply.text !== '') {
    content.push({ type: 'text', text: reply.text });
  }
  for (const { id, name, arguments: written, extraContent } of reply.toolCalls) {
    content.push(toolCall(id, name, written, extraContent));
  }
  content.push(...sourcesOf(reply));
  return content;
}

/** Carries opaque blocks of reasoning, which the provider wants back in the next turn. */
export function reasoningMetadata(thinkingBlocks: readonly unknown[]): { providerMetadata?: SharedV4ProviderMetadata } {
  return thinkingBlocks.length === 0
    ? {}
    : { providerMetadata: { tollway: { thinkingBlocks } as unknown as JSONObject } };
}

/** Makes a call of a tool. Some models write nothing where there are no arguments. */
export function toolCall(id: string, name: string, written: string, extraContent: unknown): LanguageModelV4ToolCall {
  const metadata =
    extraContent === null ? {} : { providerMetadata: { tollway: { extraContent } as unknown as JSONObject } };
  return {
    type: 'tool-call',
    toolCallId: id,
    toolName: name,
    input: written.trim() === '' ? '{}' : written,
    ...metadata,
  };
}

/** Lists the addresses that an answer cites, each once. */
export function sourcesOf(reply: ChatReply): LanguageModelV4Source[] {
  const sources = new Map<string, LanguageModelV4Source>();
  for (const { url_citation: cited } of saidIn(reply).annotations ?? []) {
    if (cited?.url !== undefined && !sources.has(cited.url)) {
      const title = cited.title === undefined ? {} : { title: cited.title };
      sources.set(cited.url, {
        type: 'source',
        sourceType: 'url',
        id: `source-${sources.size}`,
        url: cited.url,
        ...title,
      });
    }
  }
  return [...sources.values()];
}

function saidIn(reply: ChatReply): FirstMessage {
  return (reply.choices[0]?.message ?? {}) as FirstMessage;
}
