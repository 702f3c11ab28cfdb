/** The provider: it makes models of the AI SDK by their names. */

import type { EmbeddingModelV4, ImageModelV4, ProviderV4 } from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import { ENGINE_OPTIONS } from '../chat.js';
import { Tollway } from '../client.js';
import { invalid, NotFoundError } from '../errors.js';
import { kindOf, OptionNames } from '../names.js';
import type { CallOptions } from '../types.js';
import { TollwayLanguageModel } from './language-model.js';

/** The choices for every call of a provider's models. `providerOptions.tollway` of a call choose for it alone. */
export type TollwayProviderSettings = Omit<CallOptions, 'idempotencyKey'>;

/** Makes models of the AI SDK, whose calls are routed, limited and billed in process. */
export interface TollwayProvider extends ProviderV4 {
  /** Returns the model of a name: `provider/model`, an alias, a route or a capability; the default model without a name. */
  (modelId?: string): TollwayLanguageModel;
  languageModel(modelId?: string): TollwayLanguageModel;
}

const NAMES = new OptionNames(
  'tollway()',
  ENGINE_OPTIONS.filter((name) => name !== 'idempotencyKey'),
  {
    idempotencyKey: 'belongs to one call: pass it there as providerOptions: { tollway: { idempotencyKey } }',
    apiKey: 'belongs to a model: pass it to models.add(...)',
    baseURL: 'belongs to a model: pass it as baseUrl to models.add(...)',
  },
);

/**
 * Returns a provider for the AI SDK, such as `generateText({ model: tollway(tw)('text'), prompt })` takes.
 *
 * The calls go to the engine directly, and not over HTTP. A call that failed rejects with the AI SDK's `APICallError`, whose
 * status is 402 where a budget refused it, and whose `data` and `cause` are the `TollwayError`; it is not retryable, because
 * the engine has retried. What a call cost is in `providerMetadata.tollway`.
 */
export function tollway(tw: Tollway, settings?: TollwayProviderSettings): TollwayProvider {
  if (!(tw instanceof Tollway)) {
    throw invalid(`tollway() takes an open file, of await Tollway.open(...), not ${kindOf(tw)}`);
  }
  NAMES.read(settings);
  const fixed = { ...settings };
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

function unserved(method: string, modelId: string, instead: string): NotFoundError {
  return new NotFoundError(
    `${method}("${modelId}"): this provider has language models only; use ${instead}, which passes on`,
  );
}
