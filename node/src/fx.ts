/** Exchange rates: dated, and frozen in whatever was converted with them. */

import type { Engine } from './engine.js';
import { OptionNames } from './names.js';
import type { FxRate } from './price-results.js';
import type { Amount, FxOptions, Instant } from './types.js';
import { instantText, moneyText } from './values.js';

const OPTIONS = new OptionNames('fx.set()', ['effectiveDate', 'source']);

/** Sets exchange rates, with which budgets of one currency hold and count calls that are priced in another. */
export class FxRates {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Adds a rate: one unit of the first currency is worth `rate` units of the second, from a date on, or from now.
   *
   * The newest rate that has begun applies; what was converted keeps the rate that it had. Where a pair of currencies has no
   * rate, that of the opposite pair is inverted. Rejects with an `InvalidRequestError` if the rate is not above zero or not
   * exact, or a currency is wrong.
   */
  async set(fromCurrency: string, toCurrency: string, rate: Amount, options?: FxOptions): Promise<FxRate> {
    const fields = OPTIONS.read(options);
    if ('effective_date' in fields) {
      fields['effective_date'] = instantText(fields['effective_date'] as Instant, 'effectiveDate');
    }
    const values = { from: fromCurrency, to: toCurrency, rate: moneyText(rate, 'rate'), ...fields };
    return this.#engine.run('fx.set', values);
  }

  /** Returns all rates, those that newer ones replaced included. */
  async list(): Promise<FxRate[]> {
    return this.#engine.run('fx.list', {});
  }
}
