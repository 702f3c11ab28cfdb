/** Routes: how the candidates of a capability or an alias are chosen. */

import type { Engine } from './engine.js';
import { checkObject, OptionNames } from './names.js';
import type { Route } from './results.js';
import type { Amount, RouteOptions } from './types.js';
import { moneyText } from './values.js';

const OPTIONS = new OptionNames('routes.set()', ['strategy', 'models', 'preferredProviders', 'maximumCost']);
const COST = new OptionNames('maximumCost', ['amount', 'currency']);
const COST_EXAMPLE = '{ amount: "0.01", currency: "USD" }';

/** Sets routes. */
export class Routes {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Sets the route of a capability such as `text`, or of an alias that calls can name as their model.
   *
   * Rejects with an `InvalidRequestError` if the strategy or a model is wrong.
   */
  async set(name: string, options: RouteOptions): Promise<Route> {
    const fields = OPTIONS.read(options);
    if ('maximum_cost' in fields) {
      const cost = COST.read(checkObject(fields['maximum_cost'], 'maximumCost', COST_EXAMPLE));
      if ('amount' in cost) {
        cost['amount'] = moneyText(cost['amount'] as Amount, 'maximumCost');
      }
      fields['maximum_cost'] = cost;
    }
    return this.#engine.run('routes.set', { name, ...fields });
  }

  /** Returns all routes. */
  async list(): Promise<Route[]> {
    return this.#engine.run('routes.list', {});
  }

  /** Deletes a route; its capability goes back to its default model. Rejects with a `NotFoundError` if there is none. */
  async delete(name: string): Promise<void> {
    return this.#engine.run('routes.delete', { name });
  }
}
