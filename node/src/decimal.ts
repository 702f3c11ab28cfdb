/**
 * Exact decimals as texts, such as amounts are: `add('0.1', '0.2')` is `'0.3'`, where the sum of the numbers is not.
 *
 * Nothing is rounded. Trailing zeros stay as far as the longer of two fractions has them.
 */

import { invalid } from './errors.js';

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?$/;

interface Scaled {
  readonly digits: bigint;
  readonly scale: number;
}

function parse(text: string): Scaled {
  const parts = typeof text === 'string' ? DECIMAL.exec(text) : null;
  if (parts === null) {
    throw invalid(
      `a decimal must be a string such as "0.15", not ${typeof text === 'string' ? `"${text}"` : typeof text}`,
    );
  }
  const [, sign = '', whole = '', fraction = ''] = parts;
  const digits = BigInt(whole + fraction);
  return { digits: sign === '-' ? -digits : digits, scale: fraction.length };
}

function raised({ digits, scale }: Scaled, target: number): bigint {
  return digits * 10n ** BigInt(target - scale);
}

function format({ digits, scale }: Scaled): string {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const fraction = scale === 0 ? '' : `.${text.slice(-scale)}`;
  return `${digits < 0n ? '-' : ''}${scale === 0 ? text : text.slice(0, -scale)}${fraction}`;
}

/** Returns the exact sum of decimals; `'0'` of none. */
export function add(...values: readonly string[]): string {
  const parsed = values.map(parse);
  const scale = Math.max(0, ...parsed.map((each) => each.scale));
  return format({ digits: parsed.reduce((sum, each) => sum + raised(each, scale), 0n), scale });
}

/** Returns the first decimal less the second, exactly. */
export function subtract(first: string, second: string): string {
  const [from, taken] = [parse(first), parse(second)];
  const scale = Math.max(from.scale, taken.scale);
  return format({ digits: raised(from, scale) - raised(taken, scale), scale });
}

/** Returns the exact product of two decimals. */
export function multiply(first: string, second: string): string {
  const [left, right] = [parse(first), parse(second)];
  return format({ digits: left.digits * right.digits, scale: left.scale + right.scale });
}

/** Returns a number below, at or above zero, as the first decimal is below, equal to or above the second. */
export function compare(first: string, second: string): -1 | 0 | 1 {
  const [left, right] = [parse(first), parse(second)];
  const scale = Math.max(left.scale, right.scale);
  const [a, b] = [raised(left, scale), raised(right, scale)];
  return a < b ? -1 : a > b ? 1 : 0;
}
