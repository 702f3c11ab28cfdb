/** Prompts of the AI SDK as messages of the engine. */

import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import type { AssistantMessage, Content, Message, ToolCallMessage, ToolMessage } from '../types.js';
import { breakpoint } from './breakpoint.js';
import { type ContentPart, filePart } from './files.js';
import type { Warning } from './reply.js';

type AssistantParts = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type Warnings = Warning[];

/** Makes the messages of a prompt; a part that no message can carry becomes a warning. */
export function messagesOf(prompt: LanguageModelV4Prompt, warnings: Warnings): Message[] {
  const messages: Message[] = [];
  for (const message of prompt) {
    switch (message.role) {
      case 'system':
        messages.push({ role: 'system', content: marked([textPart(message.content)], message.providerOptions) });
        break;
      case 'user': {
        const parts = message.content.map((part) =>
          part.type === 'text' ? textPart(part.text, part.providerOptions) : filePart(part, part.providerOptions),
        );
        messages.push({ role: 'user', content: marked(parts, message.providerOptions) });
        break;
      }
      case 'assistant':
        messages.push(assistantMessage(message, warnings));
        break;
      case 'tool':
        for (const part of message.content) {
          if (part.type === 'tool-result') {
            messages.push(toolMessage(part, message.providerOptions, warnings));
          } else {
            unsupported(warnings, 'tool-approval-response', 'only providers that run tools themselves read approvals');
          }
        }
        break;
    }
  }
  return messages;
}

function textPart(text: string, options?: SharedV4ProviderOptions): ContentPart {
  return { type: 'text', text, ...breakpoint(options) };
}

/** Makes a content of parts; a breakpoint of the whole message stands after its last part. */
function marked(parts: readonly ContentPart[], options?: SharedV4ProviderOptions): Content {
  const last = parts.at(-1);
  const all = last === undefined ? [] : [...parts.slice(0, -1), { ...breakpoint(options), ...last }];
  const [only] = all;
  return all.length === 1 && only?.type === 'text' && only.cache_control === undefined ? only.text : all;
}

function assistantMessage(message: AssistantParts, warnings: Warnings): AssistantMessage {
  const parts: ContentPart[] = [];
  const calls: ToolCallMessage[] = [];
  const reasoning: string[] = [];
  const blocks: unknown[] = [];
  for (const part of message.content) {
    const own = part.providerOptions?.['tollway'];
    switch (part.type) {
      case 'text':
        parts.push(textPart(part.text, part.providerOptions));
        break;
      case 'reasoning':
        reasoning.push(part.text);
        blocks.push(...((own?.['thinkingBlocks'] as readonly unknown[] | undefined) ?? []));
        break;
      case 'tool-call':
        calls.push({
          id: part.toolCallId,
          type: 'function',
          function: { name: part.toolName, arguments: JSON.stringify(part.input ?? {}) },
          ...(own?.['extraContent'] === undefined ? {} : { extra_content: own['extraContent'] }),
        });
        break;
      default:
        unsupported(
          warnings,
          `${part.type} of the assistant`,
          'no message of an assistant can carry it; it is left out',
        );
    }
  }
  return {
    role: 'assistant',
    ...(parts.length === 0 ? {} : { content: marked(parts, message.providerOptions) }),
    ...(reasoning.join('') === '' ? {} : { reasoning_content: reasoning.join('') }),
    ...(blocks.length === 0 ? {} : { thinking_blocks: blocks }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function toolMessage(
  part: LanguageModelV4ToolResultPart,
  options: SharedV4ProviderOptions | undefined,
  warnings: Warnings,
): ToolMessage {
  const { output, toolCallId, toolName } = part;
  const isError = output.type === 'error-text' || output.type === 'error-json';
  return {
    role: 'tool',
    content: marked(resultParts(output, warnings), { ...options, ...part.providerOptions }),
    tool_call_id: toolCallId,
    name: toolName,
    ...(isError ? { is_error: true } : {}),
  };
}

function resultParts(output: LanguageModelV4ToolResultOutput, warnings: Warnings): ContentPart[] {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return [textPart(output.value)];
    case 'json':
    case 'error-json':
      return [textPart(JSON.stringify(output.value))];
    case 'execution-denied':
      return [textPart(output.reason ?? 'The user did not allow this call.')];
    case 'content':
      return output.value.flatMap((each) => {
        switch (each.type) {
          case 'text':
            return [textPart(each.text, each.providerOptions)];
          case 'file':
            return [filePart(each, each.providerOptions)];
          default:
            unsupported(warnings, `${each.type} of a tool result`, 'no message of a tool can carry it; it is left out');
            return [];
        }
      });
  }
}

function unsupported(warnings: Warnings, feature: string, details: string): void {
  warnings.push({ type: 'unsupported', feature, details });
}
