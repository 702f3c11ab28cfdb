/** Prices as arguments: every figure as an exact text. */

import { invalid } from './errors.js';
import { checkObject, OptionNames } from './names.js';
import type { Amount, Instant, PriceMap } from './types.js';
import { instantText, moneyText } from './values.js';

const TERMS = '{ unitPrice: "0.15", unit: "per_1m_tokens", currency: "USD" }';
const PRICE = new OptionNames('a price', [
  'unitPrice',
  'unit',
  'currency',
  'conditions',
  'basis',
  'rounding',
  'modifier',
  'effectiveDate',
  'expiryDate',
  'source',
]);
const ROUNDING = new OptionNames('rounding', ['minimumQuantity', 'step', 'minimumCharge']);
const MODIFIER = new OptionNames('modifier', ['group', 'meters', 'order', 'excludes']);

/** Writes prices by meter as arguments; refuses a figure that is not exact. */
export function priceArguments(prices: PriceMap): Record<string, unknown> {
  const given = Object.entries(checkObject(prices, 'prices', `{ input_token: ${TERMS} }`));
  const written = given
    .filter(([, terms]) => terms !== undefined)
    .map(([meter, terms]) => [meter, ofMeter(meter, terms)]);
  return Object.fromEntries(written);
}

function ofMeter(meter: string, terms: unknown): unknown {
  return Array.isArray(terms) ? terms.map((each, place) => price(`${meter}[${place}]`, each)) : price(meter, terms);
}

function price(name: string, terms: unknown): Record<string, unknown> {
  const owner = `the price of ${name}`;
  const fields = PRICE.read(checkObject(terms, owner, TERMS), owner);
  if ('unit_price' in fields) {
    fields['unit_price'] = moneyText(fields['unit_price'] as Amount, `unitPrice of ${name}`);
  }
  for (const [date, shown] of [
    ['effective_date', 'effectiveDate'],
    ['expiry_date', 'expiryDate'],
  ] as const) {
    if (date in fields) {
      fields[date] = instantText(fields[date] as Instant, `${shown} of ${name}`);
    }
  }
  if ('conditions' in fields) {
    fields['conditions'] = exact(fields['conditions'], `conditions of ${name}`);
  }
  if ('rounding' in fields) {
    const rounding = ROUNDING.read(checkObject(fields['rounding'], `rounding of ${name}`, '{ minimumQuantity: 10 }'));
    const figures = Object.entries(rounding);
    fields['rounding'] = Object.fromEntries(
      figures.map(([figure, amount]) => [figure, moneyText(amount as Amount, `rounding of ${name}: ${figure}`)]),
    );
  }
  if ('modifier' in fields) {
    fields['modifier'] = MODIFIER.read(checkObject(fields['modifier'], `modifier of ${name}`, '{ group: "batch" }'));
  }
  return fields;
}

/** Refuses fractions as numbers inside of conditions, wherever they stand; writes sets as lists. */
function exact(value: unknown, name: string): unknown {
  if (typeof value === 'bigint') {
    return moneyText(value, name);
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw invalid(`${name} must be exact: pass a whole number or a string, such as "7.5", not the number ${value}`);
    }
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((each) => exact(each, name));
  }
  if (value instanceof Set) {
    return [...value].map((each) => exact(each, name)).sort();
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, each]) => each !== undefined);
    return Object.fromEntries(fields.map(([key, each]) => [key, exact(each, `${name}: ${key}`)]));
  }
  return value;
}
