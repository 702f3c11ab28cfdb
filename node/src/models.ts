/** Model configs, and the models that were used. */

import type { Engine } from './engine.js';
import { invalid } from './errors.js';
import { camelCase, OptionNames } from './names.js';
import { priceArguments } from './price-arguments.js';
import type { ConfiguredModel, Model, ModelConfig, ModelHealth } from './results.js';
import type { ModelChanges, ModelParameters, PriceMap } from './types.js';

const CHANGEABLE = [
  'alias',
  'capability',
  'apiKey',
  'baseUrl',
  'params',
  'allowInsecure',
  'default',
  'priority',
  'active',
  'description',
];
const CHANGES = new OptionNames('models.update()', CHANGEABLE);
const PARAMETERS = new OptionNames('models.add()', [...CHANGEABLE, 'apiKeyFromEnvironment', 'prices']);
const REMOVABLE = new Set(['alias', 'base_url', 'description']);

/** Configures models. Everywhere, `model` is an alias, `provider/model`, or a config id as text. */
export class Models {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Sets the model config named `provider/model`: adds it, or gives it the parameters that are given.
   *
   * In a config of the same name and alias, what is left out stays as it is, prices too; prices that are given become all that
   * it has. Setting it to what it is writes nothing, so that every start of every worker can do it. Rejects with an
   * `InvalidRequestError` if a parameter is wrong; or if no address of the provider is known, or it wants a key, and none is
   * given.
   */
  async set(name: string, parameters: ModelParameters = {}): Promise<ConfiguredModel> {
    return this.#configure('models.set', name, parameters);
  }

  /**
   * Adds a model config named `provider/model`, and refuses one that is there; see `set`.
   *
   * Prices come from the bundled catalog where none are given; an empty object means that there are none. Rejects with an
   * `InvalidRequestError` if a parameter is wrong, or the config is there already.
   */
  async add(name: string, parameters: ModelParameters = {}): Promise<ConfiguredModel> {
    return this.#configure('models.add', name, parameters);
  }

  async #configure(
    verb: 'models.add' | 'models.set',
    name: string,
    parameters: ModelParameters,
  ): Promise<ConfiguredModel> {
    const fields = PARAMETERS.read(parameters, `${verb}()`);
    if ('prices' in fields) {
      fields['prices'] = priceArguments(fields['prices'] as PriceMap);
    }
    return this.#engine.run(verb, { name, ...fields });
  }

  /**
   * Changes the fields of a model config that are given; null removes an alias, an address or a description.
   *
   * Rejects with a `NotFoundError` if there is no such config.
   */
  async update(model: string, changes: ModelChanges): Promise<ModelConfig> {
    const fields = CHANGES.read(changes, undefined, true);
    for (const [name, value] of Object.entries(fields)) {
      if (value === null && !REMOVABLE.has(name)) {
        throw invalid(`models.update() cannot set ${camelCase(name)} to null; leave it out, or give a value`);
      }
    }
    return this.#engine.run('models.update', { model, ...fields });
  }

  /** Deletes a model config and its prices; usage records stay. Rejects with a `NotFoundError` if there is none. */
  async delete(model: string): Promise<void> {
    return this.#engine.run('models.delete', { model });
  }

  /** Returns all model configs. */
  async list(): Promise<ModelConfig[]> {
    return this.#engine.run('models.list', {});
  }

  /** Returns all models that were ever used, those of deleted configs included. */
  async used(): Promise<Model[]> {
    return this.#engine.run('models.used', {});
  }

  /** Returns what this process knows of each config's health; times are in seconds. */
  async health(): Promise<ModelHealth[]> {
    return this.#engine.run('models.health', {});
  }
}
