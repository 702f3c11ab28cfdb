/** A language model of the AI SDK that the engine serves. */

import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import type { Tollway } from '../client.js';
import { ModelCalls, SUPPORTED_URLS } from './calls.js';
import type { TollwayProviderSettings } from './settings.js';

/** A language model. The AI SDK's functions take it as their `model`. */
export class TollwayLanguageModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = 'tollway';
  /** Images and documents at addresses are left to the provider to fetch; nothing is downloaded here. */
  readonly supportedUrls: Record<string, RegExp[]> = SUPPORTED_URLS;
  readonly #calls: ModelCalls;

  /** @internal */
  constructor(
    tw: Tollway,
    /** What the engine routes by: `provider/model`, an alias, a route or a capability. */
    readonly modelId: string,
    settings: TollwayProviderSettings,
  ) {
    this.#calls = new ModelCalls(tw, modelId, settings);
  }

  /** Makes a call and returns the whole reply, once its cost is in the ledger. */
  doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    return this.#calls.generate(options);
  }

  /** Makes a streamed call; it resolves when the first piece is there. Cancelling the stream gives the call up. */
  doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    return this.#calls.stream(options);
  }
}
