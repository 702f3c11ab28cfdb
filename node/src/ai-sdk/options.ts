/** A call of the AI SDK as a request of the engine. What the engine cannot express becomes a warning. */

import type {
  LanguageModelV4CallOptions,
  LanguageModelV4ToolChoice,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import { ENGINE_OPTIONS } from '../chat.js';
import { OptionNames } from '../names.js';
import type { ChatRequest, Tool } from '../types.js';
import { breakpoint } from './breakpoint.js';
import { messagesOf } from './prompt.js';
import type { Warning } from './reply.js';
import type { TollwayCallOptions, TollwayProviderSettings } from './settings.js';

/** A request with what the caller hears of it. */
export interface MadeRequest {
  readonly request: ChatRequest;
  /** The request without what cannot be written down. */
  readonly body: Omit<ChatRequest, 'signal'>;
  readonly warnings: Warning[];
}

const NAMES = new OptionNames('providerOptions.tollway', [
  ...ENGINE_OPTIONS,
  'parallelToolCalls',
  'serviceTier',
  'strictJsonSchema',
  'extra',
]);

/** Makes the request of a call. */
export function chatRequest(
  model: string,
  settings: TollwayProviderSettings,
  options: LanguageModelV4CallOptions,
): MadeRequest {
  const warnings: Warning[] = [];
  const { strictJsonSchema, extra, ...chosen } = choicesOf(options.providerOptions);
  const tools = toolsOf(options, warnings);
  const toolChoice = toolChoiceOf(options.toolChoice, tools, warnings);
  const reasoning = options.reasoning === 'provider-default' ? undefined : options.reasoning;
  const fields = { ...(options.topK === undefined ? {} : { top_k: options.topK }), ...extra };
  const body = {
    ...settings,
    ...chosen,
    ...(settings.tags || chosen.tags ? { tags: { ...settings.tags, ...chosen.tags } } : {}),
    model,
    messages: messagesOf(options.prompt, warnings),
    maxTokens: options.maxOutputTokens ?? null,
    temperature: options.temperature ?? null,
    topP: options.topP ?? null,
    presencePenalty: options.presencePenalty ?? null,
    frequencyPenalty: options.frequencyPenalty ?? null,
    seed: options.seed ?? null,
    stop: options.stopSequences === undefined || options.stopSequences.length === 0 ? null : options.stopSequences,
    reasoningEffort: reasoning ?? null,
    responseFormat: responseFormatOf(options.responseFormat, strictJsonSchema ?? true),
    tools: tools.length === 0 ? null : tools,
    toolChoice,
    extra: Object.keys(fields).length === 0 ? null : fields,
  };
  return { request: { ...body, signal: options.abortSignal ?? null }, body, warnings };
}

function choicesOf(providerOptions: SharedV4ProviderOptions | undefined): TollwayCallOptions {
  const given = providerOptions?.['tollway'];
  NAMES.read(given);
  return given ?? {};
}

function toolsOf(options: LanguageModelV4CallOptions, warnings: Warning[]): Tool[] {
  const tools: Tool[] = [];
  for (const tool of options.tools ?? []) {
    if (tool.type !== 'function') {
      const details = 'a tool of one provider cannot be called through a route of many; define a function';
      warnings.push({ type: 'unsupported', feature: `provider-defined tool ${tool.id}`, details });
      continue;
    }
    const { name, description, inputSchema, strict } = tool;
    if (tool.inputExamples !== undefined && tool.inputExamples.length > 0) {
      const details = `put the examples of the tool "${name}" into its description`;
      warnings.push({ type: 'unsupported', feature: 'inputExamples', details });
    }
    const parameters = inputSchema as Readonly<Record<string, unknown>>;
    const described = description === undefined ? {} : { description };
    const strictly = strict === undefined ? {} : { strict };
    tools.push({
      type: 'function',
      function: { name, ...described, parameters, ...strictly },
      ...breakpoint(tool.providerOptions),
    });
  }
  return tools;
}

function toolChoiceOf(
  choice: LanguageModelV4ToolChoice | undefined,
  tools: readonly Tool[],
  warnings: Warning[],
): string | Record<string, unknown> | null {
  if (choice === undefined) {
    return null;
  }
  if (tools.length === 0) {
    if (choice.type === 'required' || choice.type === 'tool') {
      warnings.push({ type: 'unsupported', feature: 'toolChoice', details: 'there is no tool to choose' });
    }
    return null;
  }
  return choice.type === 'tool' ? { type: 'function', function: { name: choice.toolName } } : choice.type;
}

function responseFormatOf(
  format: LanguageModelV4CallOptions['responseFormat'],
  strict: boolean,
): Record<string, unknown> | null {
  if (format === undefined || format.type === 'text') {
    return null;
  }
  const { schema, name = 'response', description } = format;
  if (schema === undefined) {
    return { type: 'json_object' };
  }
  const described = description === undefined ? {} : { description };
  return { type: 'json_schema', json_schema: { name, ...described, schema, strict } };
}
