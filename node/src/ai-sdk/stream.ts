/** Streamed replies in the AI SDK's parts. */

import type { LanguageModelV3FinishReason, LanguageModelV4StreamPart } from '@ai-sdk/provider' with {
  'resolution-mode': 'import',
};

import type { ChatReply, StreamEvent, ToolCallDelta } from '../results.js';
import type { ChatStream } from '../stream.js';
import { callError } from './errors.js';
import {
  type Content,
  finishReasonOf,
  metadataOf,
  reasoningMetadata,
  responseOf,
  sourcesOf,
  toolCall,
  usageOf,
  type Warning,
} from './reply.js';

/** A part that every version of the AI SDK's interface has. */
export type Part =
  | { readonly type: 'stream-start'; readonly warnings: Warning[] }
  | Exclude<Content, { type: 'text' | 'reasoning' }>
  | (Omit<Extract<LanguageModelV4StreamPart, { type: 'finish' }>, 'finishReason'> & {
      finishReason: LanguageModelV3FinishReason;
    })
  | Extract<
      LanguageModelV4StreamPart,
      { type: `${'text' | 'reasoning' | 'tool-input'}-${'start' | 'delta' | 'end'}` | 'response-metadata' | 'error' }
    >;

type Read = IteratorResult<StreamEvent, undefined>;

/** What the parts say beside what the model said. */
export interface StreamContext {
  readonly warnings: Warning[];
  readonly timestamp: Date;
  /** What was asked, for the error. */
  readonly body: unknown;
  readonly signal: AbortSignal | undefined;
}

/** Returns the parts of a stream whose first event was read. They are made as they are asked for. */
export function partsOf(events: ChatStream, first: Read, context: StreamContext): ReadableStream<Part> {
  const blocks = new Blocks();
  let read: Promise<Read> | undefined = Promise.resolve(first);
  return new ReadableStream<Part>(
    {
      start: (controller) => controller.enqueue({ type: 'stream-start', warnings: context.warnings }),
      pull: async (controller) => {
        try {
          // An event may make no part, and a pull that made none is not repeated.
          for (let parts: Part[] = []; parts.length === 0;) {
            const { done, value } = await (read ?? events.next());
            read = undefined;
            if (done === true) {
              controller.close();
              return;
            }
            parts =
              value.reply === null
                ? blocks.partsOf(value)
                : [...blocks.end(), ...ending(value.reply, context.timestamp)];
            for (const part of parts) {
              controller.enqueue(part);
            }
          }
        } catch (error) {
          if (context.signal?.aborted === true) {
            throw error;
          }
          controller.enqueue({ type: 'error', error: await callError(error, context.body) });
          controller.enqueue({
            type: 'finish',
            finishReason: { unified: 'error', raw: undefined },
            usage: unknownUsage(),
          });
          controller.close();
        }
      },
      cancel: () => events.close(),
    },
    { highWaterMark: 0 },
  );
}

function ending(reply: ChatReply, timestamp: Date): Part[] {
  return [
    ...sourcesOf(reply),
    { type: 'response-metadata', ...responseOf(reply, timestamp) },
    {
      type: 'finish',
      finishReason: finishReasonOf(reply),
      usage: usageOf(reply),
      providerMetadata: metadataOf(reply),
    },
  ];
}

function unknownUsage(): Extract<Part, { type: 'finish' }>['usage'] {
  return {
    inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: undefined, text: undefined, reasoning: undefined },
  };
}

/** The blocks that parts belong to: one of text or reasoning is open at a time, and any number of calls. */
class Blocks {
  #open: { readonly kind: 'text' | 'reasoning'; readonly id: string } | undefined;
  #count = 0;
  readonly #calls = new Map<number, { id: string; name: string; written: string; extraContent: unknown }>();

  /** Makes the parts of an event of the first answer, which is the only one that the AI SDK has a place for. */
  partsOf(event: StreamEvent): Part[] {
    const parts: Part[] = [];
    if (event.index !== 0) {
      return parts;
    }
    if (event.reasoning !== '') {
      parts.push(...this.#begin('reasoning'));
      parts.push({ type: 'reasoning-delta', id: this.#openId(), delta: event.reasoning });
    }
    if (event.thinkingBlock !== null) {
      parts.push(...this.#begin('reasoning'), ...this.#close([event.thinkingBlock]));
    }
    if (event.text !== '') {
      parts.push(...this.#begin('text'));
      parts.push({ type: 'text-delta', id: this.#openId(), delta: event.text });
    }
    for (const delta of event.toolCalls) {
      parts.push(...this.#close(), ...this.#addToCall(delta));
    }
    return parts;
  }

  /** Makes the ends of what is open. */
  end(): Part[] {
    const parts = this.#close();
    for (const { id, name, written, extraContent } of this.#calls.values()) {
      parts.push({ type: 'tool-input-end', id }, toolCall(id, name, written, extraContent));
    }
    return parts;
  }

  #openId(): string {
    return this.#open?.id ?? '';
  }

  #begin(kind: 'text' | 'reasoning'): Part[] {
    if (this.#open?.kind === kind) {
      return [];
    }
    const parts = this.#close();
    this.#open = { kind, id: `${kind}-${this.#count}` };
    this.#count += 1;
    return [...parts, { type: `${kind}-start`, id: this.#open.id }];
  }

  #close(thinkingBlocks: readonly unknown[] = []): Part[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : [{ type: `${open.kind}-end`, id: open.id, ...reasoningMetadata(thinkingBlocks) }];
  }

  #addToCall({ index, id, name, arguments: written, extraContent }: ToolCallDelta): Part[] {
    const parts: Part[] = [];
    let call = this.#calls.get(index);
    if (call === undefined) {
      // The engine gives the id and the name with a call's first piece.
      call = { id: id ?? `call-${index}`, name: name ?? '', written: '', extraContent: null };
      this.#calls.set(index, call);
      parts.push({ type: 'tool-input-start', id: call.id, toolName: call.name });
    }
    call.written += written;
    call.extraContent = extraContent ?? call.extraContent;
    if (written !== '') {
      parts.push({ type: 'tool-input-delta', id: call.id, delta: written });
    }
    return parts;
  }
}
