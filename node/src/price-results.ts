/** What prices and rates look like when they come back. Amounts are decimal texts, instants RFC 3339 texts. */

import type { Conditions } from './types.js';

/** A quantity: a number where it is whole, else a decimal text. */
export type Quantity = number | string;

/** How a quantity is billed that is not a multiple of what the vendor bills. */
export interface Rounding {
  /** The least quantity that is billed once anything was used. */
  readonly minimumQuantity: Quantity | null;
  /** The quantity that is billed is a multiple of this one, rounded up. */
  readonly step: Quantity | null;
  /** The least amount that is billed once anything was used. */
  readonly minimumCharge: string | null;
}

/** What a modifier multiplies, and how it stands to others. Its ratio is the price's `unitPrice`. */
export interface Modifier {
  /** The name of its kind; of several that apply in one group, only one does. */
  readonly group: string;
  /** The meters that it multiplies, with those below them; all where empty. */
  readonly meters: readonly string[];
  /** Its place among the groups; lower is applied first. */
  readonly order: number;
  /** The groups that do not apply where this one does. */
  readonly excludes: readonly string[];
}

/** What a correction took back of a price: `from`, the first instant at which it did not apply after all. */
export interface Superseded {
  readonly from: string;
  readonly knownFrom: string;
}

/** What a price of a meter, or a modifier of several prices, says, apart from its identity. */
export interface PriceTerms {
  /** The meter, or `modifier`. */
  readonly pricingType: string;
  /** The price of one unit, or the ratio of a modifier. */
  readonly unitPrice: string;
  readonly unit: string;
  readonly currency: string;
  readonly effectiveDate: string;
  readonly expiryDate: string | null;
  /** When it was learned; a call is priced by what was known at its time. */
  readonly knownFrom: string;
  readonly isActive: boolean;
  readonly source: string;
  /** When it applies; always where empty. */
  readonly conditions: Conditions;
  /** `replaces` if it is the price of its meter, `surcharge` if it is added to that. */
  readonly basis: string;
  readonly rounding: Rounding | null;
  readonly modifier: Modifier | null;
}

/** One dated price of one meter of a model config, or one modifier of several prices. */
export interface Price extends PriceTerms {
  readonly id: number;
  readonly modelConfigId: number;
  readonly createdAt: string;
  /** What a later price took back of it, if one did. */
  readonly superseded: Superseded | null;
}

/** A modifier that multiplied the amount of a receipt's line by `ratio`. */
export interface AppliedModifier {
  readonly group: string;
  readonly ratio: string;
  readonly priceId: number | null;
}

/** One line of a receipt: a quantity of one meter in one attempt, at one price. */
export interface ReceiptLine {
  readonly attempt: number;
  readonly model: string;
  readonly meter: string | null;
  readonly note: string | null;
  /** What was used. */
  readonly quantity: Quantity;
  /** What is billed, where the price rounds the quantity. */
  readonly billedQuantity: Quantity | null;
  readonly unitPrice: string | null;
  readonly unit: string | null;
  readonly priceId: number | null;
  /** What multiplied the amount, in that order. */
  readonly modifiers: readonly AppliedModifier[];
  readonly amount: string | null;
  readonly currency: string | null;
}

/** The lines of a call, in the order of attempts and meters, and their exact sums by currency. */
export interface Receipt {
  readonly lines: readonly ReceiptLine[];
  readonly totals: Readonly<Record<string, string>>;
}

/** A cost in the currency of a budget, at a rate that no later one changes. */
export interface Conversion {
  readonly fxRateId: number;
  readonly from: string;
  readonly to: string;
  /** How many of `to` one of `from` is, or the other way round if `isInverse`. */
  readonly rate: string;
  readonly isInverse: boolean;
  /** What `from` became, in `to`. */
  readonly amount: string;
}

/** What a call was, as far as prices depend on it. */
export interface Facts {
  /** Its properties, such as `service_tier`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Its numbers beside those of its usage, such as `duration`. */
  readonly measures: Readonly<Record<string, string>>;
  readonly startedAt: string;
  readonly firstTokenAt: string | null;
  readonly completedAt: string | null;
}

/** A dated exchange rate: one unit of `from` is worth `rate` units of `to`, from `effectiveDate` on. */
export interface FxRate {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly rate: string;
  readonly effectiveDate: string;
  readonly source: string;
  readonly createdAt: string;
}

/** Something that looks wrong in a price list. `offer` is `provider/model`; `rule` is a stable name. */
export interface Finding {
  readonly offer: string;
  readonly rule: string;
  readonly detail: string;
}

/** A key of a price list that became no price, and why. */
export interface NotUnderstood {
  readonly entry: string;
  readonly key: string;
  readonly value: string;
  readonly reason: string;
}

/** What was read of a price list and what was not. */
export interface ImportReport {
  /** How many entries the list has. */
  readonly entries: number;
  /** How many offers were made of them. */
  readonly offers: number;
  /** How many prices and modifiers the offers have. */
  readonly prices: number;
  /** The keys that became no price. */
  readonly notUnderstood: readonly NotUnderstood[];
  /** The entries that carry no price at all, which is not a price of zero. */
  readonly unpriced: readonly string[];
}

/** What a price list means for one price of one model config. */
export interface PriceProposal {
  readonly modelConfigId: number;
  /** The config's `provider/model`. */
  readonly model: string;
  /**
   * `added`, `changed` or `ended`, which applying writes; `unchanged`; `kept`, because prices of the same thing were set by
   * hand; `no_longer_in_catalog`; or `unpriced`.
   */
  readonly kind: string;
  /** The price of the config, where it has one. */
  readonly old: Price | null;
  /** The price of the list, where it has one. */
  readonly new: PriceTerms | null;
  /** The first instant at which applying makes a difference. */
  readonly effectiveDate: string | null;
  /** Why a price is kept or missing. */
  readonly reason: string | null;
}

/** What a price list means for the configured models, and whether it was taken over. */
export interface PriceUpdate {
  readonly applied: boolean;
  readonly proposals: readonly PriceProposal[];
  /** The proposals that applying writes. */
  readonly changes: readonly PriceProposal[];
}

/** What importing a price list read, and what it means for the configured models. */
export interface PriceImport {
  readonly report: ImportReport;
  readonly update: PriceUpdate;
}

/** How many offers, and how many prices of them, were written to a price list. */
export interface PriceExport {
  readonly offers: number;
  readonly prices: number;
}

/** A record that costs something else at other prices, or could not be billed again. */
export interface RerateLine {
  /** The record. */
  readonly uid: string;
  readonly model: string;
  /** What it was billed, earlier adjustments included; null if it is unpriced. */
  readonly oldCost: string | null;
  /** What it costs at the other prices; null if they do not price it. */
  readonly newCost: string | null;
  /** The new cost less the old one. */
  readonly difference: string | null;
  readonly currency: string | null;
  /** Why it could not be billed, and what to do. */
  readonly reason: string | null;
  /** The price rows that make the new cost. */
  readonly priceIds: readonly number[];
}

/** What billing past calls again came to. */
export interface RerateReport {
  /** How many records were looked at. */
  readonly records: number;
  /** How many of them cost the same. */
  readonly unchanged: number;
  /** Those that cost something else, or could not be billed. */
  readonly lines: readonly RerateLine[];
  /** The sums of the differences, by currency. */
  readonly differences: Readonly<Record<string, string>>;
  /** Whether the differences were written. */
  readonly applied: boolean;
}
