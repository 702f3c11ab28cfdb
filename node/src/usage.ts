/** Usage: the records of the ledger, and their exact totals. */

import type { Engine } from './engine.js';
import { OptionNames } from './names.js';
import type { SummaryRow, UsagePage, UsageRecord } from './results.js';
import type { Amount, Instant, IterateOptions, RecordsOptions, SummaryOptions } from './types.js';
import { instantText, moneyText } from './values.js';

const PAGE = 500;

/** The options that select records, apart from when. */
export const RECORD_FILTER = ['user', 'tags', 'provider', 'model', 'requestId', 'status', 'costStatus'] as const;

const FILTER = [...RECORD_FILTER, 'since', 'until'];
const RECORDS = new OptionNames('usage.records()', [...FILTER, 'limit', 'cursor', 'order']);
const ITERATE = new OptionNames('usage.iterate()', [...FILTER, 'order']);
const SUMMARY = new OptionNames('usage.summary()', [...FILTER, 'by', 'timeZone']);

/** Reads the ledger. `until` is exclusive. */
export class UsageLedger {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Returns a page of records, in the order in which they were settled; 100 where no limit is given.
   *
   * `order: 'desc'` returns the newest first. A cursor belongs to the order in which it was given. Rejects with an `InvalidRequestError` if the cursor or a field of the selection is wrong.
   */
  async records(options?: RecordsOptions): Promise<UsagePage> {
    const { limit, cursor, order, ...filter } = RECORDS.read(options);
    return this.#engine.run('usage.records', { filter: withInstants(filter), limit, cursor, order });
  }

  /** Returns all records of a selection, a page at a time; the newest first with `order: 'desc'`. */
  async *iterate(options?: IterateOptions): AsyncGenerator<UsageRecord, void, undefined> {
    const { order, ...selection } = ITERATE.read(options);
    const filter = withInstants(selection);
    let cursor: string | null | undefined;
    do {
      const values = { filter, limit: PAGE, cursor, order };
      const page: UsagePage = await this.#engine.run('usage.records', values);
      yield* page.records;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /**
   * Returns groups of records with exact totals per currency, those that cost the most first; days and months in their order.
   *
   * Rejects with an `InvalidRequestError` if a name in `by` or a field of the selection is wrong.
   */
  async summary(options?: SummaryOptions): Promise<SummaryRow[]> {
    const { by = [], time_zone, ...filter } = SUMMARY.read(options);
    const names = typeof by === 'string' ? [by] : by;
    const values = { by: names, time_zone, filter: withInstants(filter) };
    return this.#engine.run('usage.summary', values);
  }

  /**
   * Puts a cost on a record that has none, by its row or its uid, and moves the balances of its budgets.
   *
   * Rejects with a `NotFoundError` if there is no such record, and an `InvalidRequestError` if it has a cost already, or the
   * amount is not exact.
   */
  async price(record: UsageRecord | string, amount: Amount, currency: string): Promise<void> {
    const uid = typeof record === 'object' && record !== null ? record.uid : record;
    return this.#engine.run('usage.price', { uid, amount: moneyText(amount, 'amount'), currency });
  }
}

function withInstants(filter: Record<string, unknown>): Record<string, unknown> {
  for (const name of ['since', 'until']) {
    if (name in filter) {
      filter[name] = instantText(filter[name] as Instant, name);
    }
  }
  return filter;
}
