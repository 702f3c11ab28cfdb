/** Budgets: caps on money or on tokens, which hold across threads and processes. */

import type { Engine } from './engine.js';
import { invalid } from './errors.js';
import { OptionNames } from './names.js';
import type { Budget } from './results.js';
import type { Amount, BudgetOptions } from './types.js';
import { moneyText } from './values.js';

const OPTIONS = new OptionNames('budgets.set()', [
  'user',
  'tag',
  'limit',
  'currency',
  'limitTokens',
  'window',
  'timeZone',
]);

/** Sets budgets. */
export class Budgets {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Caps the calls of a user, of a tag (its key and value), or of everyone, and returns the budget's state.
   *
   * The cap is `limit` in `currency`, or `limitTokens`. A window of a day or a month starts again from zero, in an IANA
   * `timeZone`. Setting the same scope, window, time zone and kind of limit again changes the limit. Rejects with an
   * `InvalidRequestError` if the limit is missing, half given or not exact, or a name is wrong.
   */
  async set(options: BudgetOptions): Promise<Budget> {
    const fields = OPTIONS.read(options);
    fields['window'] ??= 'total';
    if ('tag' in fields) {
      fields['tag'] = tagFields(fields['tag']);
    }
    if ('limit' in fields) {
      fields['limit'] = moneyText(fields['limit'] as Amount, 'limit');
    }
    return this.#engine.run('budgets.set', fields);
  }

  /** Returns all budgets with their state in the windows that are running. */
  async list(): Promise<Budget[]> {
    return this.#engine.run('budgets.list', {});
  }

  /** Deletes a budget, by its row or its id. Rejects with a `NotFoundError` if there is none. */
  async delete(budget: Budget | number): Promise<void> {
    const id = typeof budget === 'object' && budget !== null ? budget.id : budget;
    return this.#engine.run('budgets.delete', { id });
  }
}

function tagFields(tag: unknown): { key: string; value: string } {
  const [key, value, ...rest]: unknown[] = Array.isArray(tag) ? tag : [];
  if (typeof key !== 'string' || typeof value !== 'string' || rest.length > 0) {
    throw invalid('tag must be a key and a value, such as ["team", "search"]');
  }
  return { key, value };
}
