/** Prices: dated prices of the meters of a model config, and the lists that they come from. */

import type { Engine } from './engine.js';
import { OptionNames } from './names.js';
import { priceArguments } from './price-arguments.js';
import type { Finding, Price, PriceExport, PriceImport, PriceUpdate, RerateReport } from './price-results.js';
import type { Instant, PriceFormat, PriceImportOptions, PriceMap, RerateOptions } from './types.js';
import { RECORD_FILTER } from './usage.js';
import { instantText, pathText } from './values.js';

const LINT = new OptionNames('prices.lint()', ['format']);
const IMPORT = new OptionNames('prices.importFile()', ['format', 'strict', 'apply', 'source']);
const UPDATE = new OptionNames('prices.updateFromCatalog()', ['apply']);
const RERATE = new OptionNames('prices.rerate()', [...RECORD_FILTER, 'until', 'book', 'format', 'apply']);
const NAMED_BOOKS = new Set<unknown>(['as_known_now', 'in_force_now']);

/** Sets prices. Everywhere, `model` is an alias, `provider/model`, or a config id as text. */
export class Prices {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Sets the prices of some meters, so that what is given is all that there is of each from then on.
   *
   * `prices` maps a meter, or `modifier`, to one price or a list of them. Past costs stay as they are; `rerate` shows what
   * they would be. Rejects with an `InvalidRequestError` if a meter, a unit, a condition or a currency is wrong, or an amount
   * is not exact.
   */
  async set(model: string, prices: PriceMap): Promise<Price[]> {
    return this.#engine.run('prices.set', { model, prices: priceArguments(prices) });
  }

  /** Adds prices to those that there are; only one for the same thing under the same conditions ends. See `set`. */
  async add(model: string, prices: PriceMap): Promise<Price[]> {
    return this.#engine.run('prices.add', { model, prices: priceArguments(prices) });
  }

  /** Returns the prices of a model config, or all of them, those no longer in force included. */
  async list(model?: string): Promise<Price[]> {
    return this.#engine.run('prices.list', model === undefined ? {} : { model });
  }

  /** Ends a price, by its row or its id, at an instant or now. Rejects with a `NotFoundError` if there is none. */
  async expire(price: Price | number, at?: Instant): Promise<void> {
    const id = typeof price === 'object' && price !== null ? price.id : price;
    const values = at === undefined ? { id } : { id, at: instantText(at, 'at') };
    return this.#engine.run('prices.expire', values);
  }

  /**
   * Looks for what seems wrong in a price list, or in the prices of this file.
   *
   * Rejects with a `StorageError` if the list cannot be read, and an `InvalidRequestError` if it is not of the format.
   */
  async lint(path?: string | URL, options?: { readonly format?: PriceFormat | null }): Promise<Finding[]> {
    const { format = 'tollway' } = LINT.read(options);
    const values = path === undefined ? {} : { path: pathText(path, 'path'), format };
    return this.#engine.run('prices.lint', values);
  }

  /**
   * Reads a price list, and returns what of it was understood and what it means for the configured models.
   *
   * Nothing changes unless `apply` is true; then new prices apply from now on. Prices that were set by hand are never
   * touched. Rejects with a `StorageError` if the list cannot be read, and an `InvalidRequestError` if it is not of the
   * format, or with `strict` if a key was not understood.
   */
  async importFile(path: string | URL, options: PriceImportOptions): Promise<PriceImport> {
    const values = { path: pathText(path, 'path'), ...IMPORT.read(options) };
    return this.#engine.run('prices.import_file', values);
  }

  /**
   * Writes the prices of this file that are in force, and those that begin later, as a price list.
   *
   * Rejects with a `StorageError` if the list cannot be written, and an `InvalidRequestError` if two configs of one model
   * have different prices, of which a list holds one.
   */
  async export(path: string | URL): Promise<PriceExport> {
    return this.#engine.run('prices.export', { path: pathText(path, 'path') });
  }

  /**
   * Compares the prices of the configured models with the bundled catalog; with `apply`, takes them over.
   *
   * New prices apply from now on. Prices that were set by hand are never touched, and models that the catalog no longer has
   * keep theirs; both are reported.
   */
  async updateFromCatalog(options?: { readonly apply?: boolean | null }): Promise<PriceUpdate> {
    return this.#engine.run('prices.update_from_catalog', UPDATE.read(options));
  }

  /**
   * Bills past calls again at other prices, and returns what would differ.
   *
   * `book` is `as_known_now` (the prices in force at each call, by what is known now), `in_force_now` (those of today), or the
   * path of a price list of a `format`. With `apply`, each difference becomes a record that adjusts the call's own, which
   * never changes; budgets move by it. What was applied once makes no difference again.
   */
  async rerate(since: Instant, options?: RerateOptions): Promise<RerateReport> {
    const { until, book = 'as_known_now', format = 'tollway', apply, ...filter } = RERATE.read(options);
    const values = {
      since: instantText(since, 'since'),
      until: until === undefined ? undefined : instantText(until as Instant, 'until'),
      filter,
      book: NAMED_BOOKS.has(book) ? book : { file: { path: pathText(book, 'book'), format } },
      apply,
    };
    return this.#engine.run('prices.rerate', values);
  }
}
