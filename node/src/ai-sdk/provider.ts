/** The provider: it makes models of the AI SDK by their names. */

import type { EmbeddingModelV4, ImageModelV4, ProviderV4 } from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import type { Tollway } from '../client.js';
import { TollwayLanguageModel } from './language-model.js';
import { checkedSettings, unserved } from './models.js';
import type { TollwayProviderSettings } from './settings.js';

/** Makes models of the AI SDK, whose calls are routed, limited and billed in process. */
export interface TollwayProvider extends ProviderV4 {
  /** Returns the model of a name: `provider/model`, an alias, a route or a capability; the default model without a name. */
  (modelId?: string): TollwayLanguageModel;
  languageModel(modelId?: string): TollwayLanguageModel;
}

/**
 * Returns a provider for the AI SDK, such as `generateText({ model: tollway(tw)('text'), prompt })` takes.
 *
 * The calls go to the engine directly, and not over HTTP. A call that failed rejects with the AI SDK's `APICallError`, whose
 * status is 402 where a budget refused it, and whose `data` and `cause` are the `TollwayError`; it is not retryable, because
 * the engine has retried. What a call cost is in `providerMetadata.tollway`.
 */
export function tollway(tw: Tollway, settings?: TollwayProviderSettings): TollwayProvider {
  const fixed = checkedSettings(tw, settings);
  const languageModel = (modelId?: string): TollwayLanguageModel =>
    new TollwayLanguageModel(tw, modelId ?? 'text', fixed);
  return Object.assign((modelId?: string) => languageModel(modelId), {
    specificationVersion: 'v4' as const,
    languageModel,
    embeddingModel: (modelId: string): EmbeddingModelV4 => {
      throw unserved('embeddingModel', modelId, 'createOpenAI({ fetch: tw.fetch() }).embedding(modelId)');
    },
    imageModel: (modelId: string): ImageModelV4 => {
      throw unserved('imageModel', modelId, 'createOpenAI({ fetch: tw.fetch() }).image(modelId)');
    },
  });
}
