/** What a provider checks before it makes models, and the models that it has not. */

import { ENGINE_OPTIONS } from '../chat.js';
import { Tollway } from '../client.js';
import { invalid, NotFoundError } from '../errors.js';
import { kindOf, OptionNames } from '../names.js';
import type { TollwayProviderSettings } from './settings.js';

const NAMES = new OptionNames(
  'tollway()',
  ENGINE_OPTIONS.filter((name) => name !== 'idempotencyKey'),
  {
    idempotencyKey: 'belongs to one call: pass it there as providerOptions: { tollway: { idempotencyKey } }',
    apiKey: 'belongs to a model: pass it to models.add(...)',
    baseURL: 'belongs to a model: pass it as baseUrl to models.add(...)',
  },
);

/** Refuses what is not an open file, and settings that are not known; returns a copy of them. */
export function checkedSettings(tw: Tollway, settings: TollwayProviderSettings | undefined): TollwayProviderSettings {
  if (!(tw instanceof Tollway)) {
    throw invalid(`tollway() takes an open file, of await Tollway.open(...), not ${kindOf(tw)}`);
  }
  NAMES.read(settings);
  return { ...settings };
}

/** Says of a kind of model that it is not served here, and what serves it. */
export function unserved(method: string, modelId: string, instead: string): NotFoundError {
  return new NotFoundError(`${method}("${modelId}"): this provider has language models only; use ${instead}`);
}
