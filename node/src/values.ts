/** Values as they cross: amounts and instants to text, and arguments to JSON text. */

import type * as urlOfNode from 'node:url';

import { invalid } from './errors.js';
import { isOpaque, kindOf } from './names.js';
import type { Amount, Instant } from './types.js';
import { inOurWords } from './wording.js';
import { builtin } from './place.js';

const { fileURLToPath } = builtin<typeof urlOfNode>('node:url');

// Far beyond what the engine takes. Written out, a number with a great exponent would fill the memory.
const MOST_PLACES = 100;
const MOST_NESTING = 200;
const DECIMAL = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?\s*$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Writes an amount of money as an exact text; a fraction as a number is refused, because it is not what it shows. */
export function moneyText(value: Amount, name: string): string {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
    return checkedPlaces(value.toString(), name);
  }
  if (typeof value !== 'string') {
    const given = typeof value === 'number' ? `the number ${String(value)}` : kindOf(value);
    throw invalid(`${name} is money and must be exact: pass a string, such as "0.15", not ${given}`);
  }
  const parts = DECIMAL.exec(value);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts ?? [];
  if (parts === null || whole + fraction === '') {
    throw invalid(`${name} must be a decimal number such as "0.15", not "${value.slice(0, MOST_PLACES)}"`);
  }
  const shift = Number(exponent);
  if (whole.length + fraction.length + Math.abs(shift) > MOST_PLACES) {
    throw tooLong(name);
  }
  const digits = whole + fraction;
  const point = whole.length + shift;
  const before =
    digits
      .slice(0, Math.max(point, 0))
      .padEnd(Math.max(point, 0), '0')
      .replace(/^0+(?=\d)/, '') || '0';
  const after = '0'.repeat(Math.max(-point, 0)) + digits.slice(Math.max(point, 0));
  return `${sign === '-' ? '-' : ''}${before}${after === '' ? '' : `.${after}`}`;
}

function checkedPlaces(text: string, name: string): string {
  if (text.length > MOST_PLACES) {
    throw tooLong(name);
  }
  return text;
}

function tooLong(name: string): Error {
  return invalid(`${name} has too many digits to be exact; give at most 28, such as "0.15"`);
}

/** Writes an instant as RFC 3339 text; a bare date is midnight UTC. */
export function instantText(value: Instant, name: string): string {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) {
      throw invalid(`${name} is an invalid Date; give an instant`);
    }
    return value.toISOString();
  }
  if (typeof value !== 'string') {
    throw invalid(`${name} must be a Date or a text, not ${kindOf(value)}`);
  }
  return DAY.test(value) ? `${value}T00:00:00Z` : value;
}

/** Writes a path as text. */
export function pathText(path: unknown, name: string): string {
  if (path instanceof URL) {
    if (path.protocol !== 'file:') {
      throw invalid(`${name} must be a path or a file: URL, not a ${path.protocol} URL`);
    }
    return fileURLToPath(path);
  }
  if (typeof path !== 'string') {
    throw invalid(`${name} must be a string or a file: URL, not ${kindOf(path)}`);
  }
  if (!path.isWellFormed()) {
    throw invalid(`${name} holds half of a surrogate pair, so that it names no file; correct it`);
  }
  return path;
}

/** Returns the fields that were given, that is, are neither undefined nor null. */
export function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

/** Writes arguments as JSON text; the error names the argument that JSON cannot say, and never its value. */
export function encode(values: Readonly<Record<string, unknown>>, verb: string): string {
  const found = fault(values, '', 0);
  if (found !== undefined) {
    const place = found.replace(/^\./, '').replace(/^(request|options|settings)\./, '');
    throw invalid(inOurWords(`${verb}: ${place}`));
  }
  return JSON.stringify(values);
}

/** Finds the first value that JSON cannot say, or would change without a word. */
function fault(value: unknown, path: string, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
        ? undefined
        : `${path} holds half of a surrogate pair, which is no text; join it with its other half`;
    case 'number':
      return Number.isFinite(value) ? undefined : `${path} must be a finite number`;
    case 'boolean':
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? undefined : objectFault(value, path, depth);
    default:
      return wrongType(value, path);
  }
}

function objectFault(value: object, path: string, depth: number): string | undefined {
  if (depth > MOST_NESTING) {
    return `${path.slice(0, MOST_PLACES)}... holds itself, or is nested too deeply`;
  }
  if (Array.isArray(value)) {
    for (const [place, each] of value.entries()) {
      const found =
        each === undefined
          ? `${path}[${place}] is undefined; give a value, or null`
          : fault(each, `${path}[${place}]`, depth + 1);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }
  if (isOpaque(value)) {
    return wrongType(value, path);
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return fault((value as { toJSON(): unknown }).toJSON(), path, depth + 1);
  }
  for (const [name, each] of Object.entries(value)) {
    const found = name.isWellFormed()
      ? fault(each, `${path}.${name}`, depth + 1)
      : `${path} has a name that is no text`;
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function wrongType(value: unknown, path: string): string {
  return `${path} is of type ${kindOf(value)}; give a text, a number, a boolean, null, or an array or object of these`;
}
