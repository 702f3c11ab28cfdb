/** The engine's JSON out of what the public API returns, and the public API's options out of the engine's arguments. */

import type {
  Attempt,
  Budget,
  BudgetQuote,
  ChatReply,
  ModelConfig,
  PriceUpdate,
  ToolCall,
  Usage,
  UsageRecord,
} from '../dist/index.js';

type Fields = Record<string, unknown>;

/** Fields whose values are data, down to their last name. */
const DATA = new Set([
  'attributes',
  'conditions',
  'differences',
  'extra',
  'group',
  'measures',
  'message',
  'meters',
  'params',
  'tags',
  'totals',
]);
/** What the engine leaves out where there is none of it. */
const ABSENT_IF_EMPTY = new Set([
  'adjusts',
  'billed_quantity',
  'conditions',
  'conversions',
  'modifier',
  'modifiers',
  'rounding',
  'superseded',
]);
/** What the package computes of other fields. */
const DERIVED: readonly string[] = [
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'totalTokens',
] satisfies (keyof Usage)[];

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function snake(name: string): string {
  return name.replace(/[A-Z0-9]+/g, (part) => (/[A-Z]/.test(part) ? `_${part.toLowerCase()}` : part));
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function isEmpty(value: unknown): boolean {
  return (
    value === null || (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0)
  );
}

/** Writes the engine's arguments as options; what is data keeps its names. */
export function asOptions(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(asOptions);
  }
  if (!isObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [camel(name), DATA.has(name) ? field : asOptions(field)]),
  );
}

/** Writes prices by meter, which are data, with their terms as options. */
export function asPrices(prices: Fields): Fields {
  return Object.fromEntries(Object.entries(prices).map(([meter, terms]) => [meter, asOptions(terms)]));
}

/** Writes a result as the engine does. */
export function asWire(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(asWire);
  }
  if (value instanceof Float32Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  if (!isObject(value)) {
    return value;
  }
  const fields: Fields = {};
  for (const [name, field] of Object.entries(undone(value))) {
    const wireName = snake(name);
    if (!(ABSENT_IF_EMPTY.has(wireName) && isEmpty(field))) {
      fields[wireName] = DATA.has(name) ? field : asWire(field);
    }
  }
  return fields;
}

/** Takes back what the package puts in a form of its own. */
function undone(value: Fields): Fields {
  if ('meters' in value && 'totalTokens' in value) {
    return Object.fromEntries(Object.entries(value).filter(([name]) => !DERIVED.includes(name)));
  }
  if (
    !('retryable' in value) &&
    'provider' in value &&
    typeof value['model'] === 'string' &&
    ('attempts' in value || 'latencyMs' in value)
  ) {
    const { provider, model } = value as unknown as ChatReply | Attempt | UsageRecord;
    return { ...value, model: model.slice(provider.length + 1) };
  }
  if ('tag' in value && 'limit' in value) {
    const { user, tag, limit, currency, ...rest } = value as unknown as Budget | BudgetQuote;
    const everyone = user === null ? { type: 'everyone' } : { type: 'user', user };
    const scope = tag === null ? everyone : { type: 'tag', key: tag[0], value: tag[1] };
    return {
      ...rest,
      scope,
      limit: currency === null ? { tokens: Number(limit) } : { money: { amount: limit, currency } },
    };
  }
  if ('arguments' in value && 'name' in value && 'type' in value) {
    const { name, arguments: written, ...rest } = value as unknown as ToolCall;
    return { ...rest, function: { name, arguments: written } };
  }
  if ('modelName' in value && 'name' in value) {
    const { name: _name, ...rest } = value as unknown as ModelConfig;
    return rest as unknown as Fields;
  }
  if ('proposals' in value) {
    const { changes: _changes, ...rest } = value as unknown as PriceUpdate;
    return rest as unknown as Fields;
  }
  return value;
}
