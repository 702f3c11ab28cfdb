/** How arguments are written as the engine reads them; what is wrong is named, and a figure that is not exact is refused. */

import { invalid } from './errors.js';
import { checkObject, type Fields, OptionNames } from './names.js';
import { instantText, moneyText, pathText } from './values.js';

export { instantText, moneyText, pathText };
export type { Fields };

/** Writes a value as it is. */
export function asIs(value: unknown): unknown {
  return value;
}

/** Writes a value that may not have been given. */
export function optional<Value>(
  write: (value: Value, name: string) => unknown,
  value: Value | undefined,
  name: string,
): unknown {
  return value === undefined || value === null ? undefined : write(value, name);
}

/** Returns what names a row: a field of it, where the row itself is given. */
export function rowOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[field] : value;
}

/** Writes a key and its value. */
export function pairText(pair: unknown, name: string): readonly string[] {
  const [key, value, ...rest]: unknown[] = Array.isArray(pair) ? pair : [];
  if (typeof key !== 'string' || typeof value !== 'string' || rest.length > 0) {
    throw invalid(`${name} must be a key and a value, such as ["team", "search"]`);
  }
  return [key, value];
}

/** Returns what writes an object of some fields; the example shows one. */
export function objectOf(fields: Fields, example: string): (value: unknown, name: string) => Record<string, unknown> {
  const names = new OptionNames('', fields);
  return (value, name) => names.read(checkObject(value, name, example), name, (field) => `${name}: ${field}`);
}

/** Returns what writes prices by meter, of which each is a price or a list of them. */
export function byMeter(fields: Fields): (prices: unknown, name: string) => Record<string, unknown> {
  const terms = '{ unitPrice: "0.15", unit: "per_1m_tokens", currency: "USD" }';
  const names = new OptionNames('a price', fields);
  const one = (value: unknown, meter: string): unknown => {
    const owner = `the price of ${meter}`;
    return names.read(checkObject(value, owner, terms), owner, (field) => `${field} of ${meter}`);
  };
  return (prices, name) => {
    const given = Object.entries(checkObject(prices, name, `{ input_token: ${terms} }`));
    const written = given
      .filter(([, value]) => value !== undefined)
      .map(([meter, value]) => [
        meter,
        Array.isArray(value) ? value.map((each, place) => one(each, `${meter}[${place}]`)) : one(value, meter),
      ]);
    return Object.fromEntries(written);
  };
}

/** Refuses fractions as numbers inside of a value, wherever they stand; writes sets as lists. */
export function exact(value: unknown, name: string): unknown {
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
