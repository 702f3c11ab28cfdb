/** Calls of a model of the AI SDK, which every version of its interface makes. */

import type {
  LanguageModelV3FinishReason,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
} from '@ai-sdk/provider' with {
  'resolution-mode': 'import',
};

import type { Tollway } from '../client.js';
import { callError } from './errors.js';
import { chatRequest } from './options.js';
import { type Content, contentOf, finishReasonOf, metadataOf, responseOf, usageOf, type Warning } from './reply.js';
import type { TollwayProviderSettings } from './settings.js';
import { type Part, partsOf } from './stream.js';

/** A whole reply. */
export interface Generated extends LanguageModelV4GenerateResult {
  content: Content[];
  finishReason: LanguageModelV3FinishReason;
  warnings: Warning[];
}

/** A reply that streams. */
export interface Streamed {
  stream: ReadableStream<Part>;
  request: { body: unknown };
}

/** Images and documents at addresses are left to the provider to fetch; nothing is downloaded here. */
export const SUPPORTED_URLS: Record<string, RegExp[]> = {
  'image/*': [/^https:\/\//],
  'application/pdf': [/^https:\/\//],
};

/** Makes the calls of one model. */
export class ModelCalls {
  constructor(
    private readonly tw: Tollway,
    /** What the engine routes by: `provider/model`, an alias, a route or a capability. */
    private readonly modelId: string,
    private readonly settings: TollwayProviderSettings,
  ) {}

  /** Makes a call and returns the whole reply, once its cost is in the ledger. */
  async generate(options: LanguageModelV4CallOptions): Promise<Generated> {
    const timestamp = new Date();
    const { request, body, warnings } = await this.#request(options);
    try {
      const reply = await this.tw.chat(request);
      return {
        content: contentOf(reply),
        finishReason: finishReasonOf(reply),
        usage: usageOf(reply),
        providerMetadata: metadataOf(reply),
        request: { body },
        response: responseOf(reply, timestamp),
        warnings,
      };
    } catch (error) {
      throw await callError(error, body);
    }
  }

  /** Makes a streamed call; it resolves when the first piece is there. Cancelling the stream gives the call up. */
  async stream(options: LanguageModelV4CallOptions): Promise<Streamed> {
    const timestamp = new Date();
    const { request, body, warnings } = await this.#request(options);
    if (options.includeRawChunks === true) {
      const details = 'the pieces of providers have many formats, of which the engine makes one';
      warnings.push({ type: 'unsupported', feature: 'includeRawChunks', details });
    }
    try {
      const events = this.tw.chatStream(request);
      // A refusal rejects here, where the AI SDK expects it, and not inside of a stream that seems to have begun.
      const first = await events.next();
      return {
        stream: partsOf(events, first, { warnings, timestamp, body, signal: options.abortSignal }),
        request: { body },
      };
    } catch (error) {
      throw await callError(error, body);
    }
  }

  async #request(options: LanguageModelV4CallOptions): Promise<ReturnType<typeof chatRequest>> {
    try {
      return chatRequest(this.modelId, this.settings, options);
    } catch (error) {
      throw await callError(error, {});
    }
  }
}
