/** How results are read: names to camelCase, and what the engine leaves out where there is none of it. */

import { camelCase, renamed } from './names.js';
import type {
  AppliedModifier,
  Conversion,
  Facts,
  Price,
  PriceImport,
  PriceProposal,
  PriceTerms,
  PriceUpdate,
  Quantity,
  Receipt,
  ReceiptLine,
} from './price-results.js';
import type {
  Attempt,
  Budget,
  BudgetQuote,
  CandidateQuote,
  ChatReply,
  Choice,
  Iteration,
  ModelConfig,
  Quote,
  QuotedCost,
  StreamEvent,
  ToolCall,
  ToolCallDelta,
  Usage,
  UsagePage,
  UsageRecord,
} from './results.js';

/** An object of the engine, whose shape the engine's own tests and the conformance scenarios hold. */
// biome-ignore lint/suspicious/noExplicitAny: it is the text of another language that was parsed
export type Wire = Readonly<Record<string, any>>;

type Decoder<Value> = (value: Wire) => Value;

const CACHE_READ_METERS = new Set([
  'cached_input_token',
  'explicit_cached_input_token',
  'cached_input_audio_token',
  'cached_input_image_token',
  'cached_input_video_token',
]);
const CACHE_WRITE_METERS = new Set(['cache_write_5m_token', 'cache_write_1h_token', 'cache_write_audio_token']);
const INPUT_METERS = new Set([
  'input_token',
  'input_audio_token',
  'input_image_token',
  'input_video_token',
  ...CACHE_READ_METERS,
  ...CACHE_WRITE_METERS,
]);
const REASONING_METERS = new Set(['reasoning_token']);
const OUTPUT_METERS = new Set([
  'output_token',
  'reasoning_token',
  'citation_token',
  'rejected_prediction_token',
  'output_audio_token',
  'output_image_token',
  'output_video_token',
]);
const TOKEN_METERS = new Set([...INPUT_METERS, ...OUTPUT_METERS]);
const CHANGES = new Set(['added', 'changed', 'ended']);

/** Reads an object whose fields need their names changed, and nothing else. */
export function decodeFields<Value>(value: Wire): Value {
  return renamed(value) as Value;
}

/** Reads a list. */
export function listOf<Value>(decode: Decoder<Value>): (value: readonly Wire[]) => Value[] {
  return (value) => value.map(decode);
}

/** Renames the fields of one object; their values stay as they are. */
function shallow(value: Wire): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    fields[camelCase(name)] = value[name];
  }
  return fields;
}

function orNull<Value>(value: Wire | null | undefined, decode: Decoder<Value>): Value | null {
  return value === null || value === undefined ? null : decode(value);
}

function sum(meters: Readonly<Record<string, Quantity>>, counted: ReadonlySet<string>): number | null {
  let total: number | null = null;
  for (const meter of Object.keys(meters)) {
    if (counted.has(meter)) {
      total = (total ?? 0) + Math.trunc(Number(meters[meter]));
    }
  }
  return total;
}

/** The tokens that were written to a cache; those that were read from one too stand in an iteration. */
function written(meters: Readonly<Record<string, Quantity>>, iterations: readonly Iteration[]): number | null {
  const total = sum(meters, CACHE_WRITE_METERS);
  if (total === null) {
    return null;
  }
  const overlaps = iterations.filter((each) => each.kind === 'cache_overlap');
  return overlaps.reduce((all, each) => all + (sum(each.meters, CACHE_WRITE_METERS) ?? 0), total);
}

function decodeUsage(value: Wire): Usage {
  const meters: Readonly<Record<string, Quantity>> = value['meters'];
  const iterations: readonly Iteration[] = value['iterations'] ?? [];
  return {
    meters,
    flags: value['flags'],
    reportedTotal: value['reported_total'],
    reportedCost: value['reported_cost'],
    computedCost: value['computed_cost'] ?? null,
    iterations,
    inputTokens: sum(meters, INPUT_METERS),
    cachedInputTokens: sum(meters, CACHE_READ_METERS),
    cacheWriteTokens: written(meters, iterations),
    outputTokens: sum(meters, OUTPUT_METERS),
    reasoningTokens: sum(meters, REASONING_METERS),
    totalTokens: sum(meters, TOKEN_METERS),
  };
}

function decodeLine(value: Wire): ReceiptLine {
  return {
    attempt: value['attempt'],
    model: value['model'],
    meter: value['meter'],
    note: value['note'] ?? null,
    quantity: value['quantity'],
    billedQuantity: value['billed_quantity'] ?? null,
    unitPrice: value['unit_price'],
    unit: value['unit'],
    priceId: value['price_id'],
    modifiers: (value['modifiers'] ?? []).map(decodeFields<AppliedModifier>),
    amount: value['amount'],
    currency: value['currency'],
  };
}

function decodeReceipt(value: Wire): Receipt {
  return { lines: value['lines'].map(decodeLine), totals: value['totals'] };
}

function decodeAttempt(value: Wire): Attempt {
  return { ...decodeFields<Attempt>(value), model: `${value['provider']}/${value['model']}` };
}

function decodeToolCall(value: Wire): ToolCall {
  const { name, arguments: written } = value['function'];
  const extraContent: unknown = value['extra_content'] ?? null;
  return { id: value['id'], name, arguments: written, type: value['type'], extraContent };
}

function decodeChoice(value: Wire): Choice {
  return {
    index: value['index'],
    message: { role: 'assistant', ...value['message'] },
    finishReason: value['finish_reason'],
    providerFinishReason: value['provider_finish_reason'],
  };
}

/** Reads a settled reply. */
export function decodeReply(value: Wire): ChatReply {
  return {
    text: value['text'],
    model: `${value['provider']}/${value['model']}`,
    provider: value['provider'],
    servedModel: value['served_model'],
    usage: decodeUsage(value['usage']),
    cost: value['cost'],
    currency: value['currency'],
    costStatus: value['cost_status'],
    receipt: decodeReceipt(value['receipt']),
    attempts: value['attempts'].map(decodeAttempt),
    toolCalls: value['tool_calls'].map(decodeToolCall),
    finishReason: value['finish_reason'],
    providerFinishReason: value['provider_finish_reason'],
    reasoning: value['reasoning'],
    choices: value['choices'].map(decodeChoice),
    id: value['id'],
    requestId: value['request_id'],
    replayed: value['replayed'],
  };
}

function decodeDelta(value: Wire): ToolCallDelta {
  return {
    index: value['index'],
    id: value['id'] ?? null,
    name: value['name'] ?? null,
    arguments: value['arguments'] ?? '',
    extraContent: value['extra_content'] ?? null,
  };
}

/** Reads an event of a stream. */
export function decodeEvent(value: Wire): StreamEvent {
  const isDone = value['type'] === 'done';
  const piece: Wire = isDone ? {} : value;
  return {
    text: piece['text'] ?? '',
    reasoning: piece['reasoning'] ?? '',
    toolCalls: (piece['tool_calls'] ?? []).map(decodeDelta),
    finishReason: piece['finish_reason'] ?? null,
    reply: isDone ? decodeReply(value) : null,
    index: piece['index'] ?? 0,
    providerFinishReason: piece['provider_finish_reason'] ?? null,
    refusal: piece['refusal'] ?? '',
    thinkingBlock: piece['thinking_block'] ?? null,
  };
}

/** Reads a model config. */
export function decodeConfig<Config extends ModelConfig>(value: Wire): Config {
  return { ...decodeFields<Config>(value), name: `${value['provider']}/${value['model_name']}` };
}

function decodeScope(value: Wire): Pick<Budget, 'user' | 'tag' | 'limit' | 'currency'> {
  const { scope, limit } = value;
  const money: Wire | undefined = limit.money;
  return {
    user: scope.user ?? null,
    tag: scope.type === 'tag' ? [scope.key, scope.value] : null,
    limit: money === undefined ? String(limit.tokens) : money['amount'],
    currency: money === undefined ? null : money['currency'],
  };
}

function withScope<Value extends object>(value: Wire): Value {
  const { scope: _scope, limit: _limit, ...rest } = value;
  return { ...decodeFields<Value>(rest), ...decodeScope(value) };
}

/** Reads a budget with its state. */
export function decodeBudget(value: Wire): Budget {
  return withScope<Budget>(value);
}

function decodeFacts(value: Wire): Facts {
  const defaults = { attributes: {}, measures: {}, firstTokenAt: null, completedAt: null };
  return { ...defaults, ...decodeFields<Facts>(value) };
}

function decodeRecord(value: Wire): UsageRecord {
  return {
    ...(shallow(value) as unknown as UsageRecord),
    model: `${value['provider']}/${value['model']}`,
    usage: decodeUsage(value['usage']),
    receipt: value['receipt'].map(decodeLine),
    facts: orNull(value['facts'], decodeFacts),
    conversions: (value['conversions'] ?? []).map(decodeFields<Conversion>),
    adjusts: value['adjusts'] ?? null,
  };
}

/** Reads a page of usage records. */
export function decodePage(value: Wire): UsagePage {
  return { records: value['records'].map(decodeRecord), nextCursor: value['next_cursor'] };
}

function decodeTerms(value: Wire): PriceTerms {
  const { rounding, modifier } = value;
  const noRounding = { minimumQuantity: null, step: null, minimumCharge: null };
  return {
    ...(shallow(value) as unknown as PriceTerms),
    conditions: value['conditions'] ?? {},
    rounding: orNull(rounding, (each) => ({ ...noRounding, ...shallow(each) })),
    modifier: orNull(modifier, (each) => ({
      group: each['group'],
      meters: [],
      order: 0,
      excludes: [],
      ...shallow(each),
    })),
  };
}

/** Reads a price. */
export function decodePrice(value: Wire): Price {
  const superseded = orNull(value['superseded'], decodeFields<Price['superseded']>);
  return { ...(decodeTerms(value) as Price), superseded };
}

function decodeProposal(value: Wire): PriceProposal {
  return {
    ...(shallow(value) as unknown as PriceProposal),
    old: orNull(value['old'], decodePrice),
    new: orNull(value['new'], decodeTerms),
  };
}

/** Reads what a price list means for the configured models. */
export function decodeUpdate(value: Wire): PriceUpdate {
  const proposals: PriceProposal[] = value['proposals'].map(decodeProposal);
  return { applied: value['applied'], proposals, changes: proposals.filter(({ kind }) => CHANGES.has(kind)) };
}

/** Reads what importing a price list came to. */
export function decodeImport(value: Wire): PriceImport {
  return { report: decodeFields(value['report']), update: decodeUpdate(value['update']) };
}

function decodeCost(value: Wire): QuotedCost {
  return { amount: value['amount'], lines: value['lines'].map(decodeLine) };
}

function decodeCandidate(value: Wire): CandidateQuote {
  return {
    model: value['model'],
    modelConfigId: value['model_config_id'],
    currency: value['currency'],
    minimum: orNull(value['minimum'], decodeCost),
    expected: orNull(value['expected'], decodeCost),
    worst: orNull(value['worst'], decodeCost),
    unpriced: value['unpriced'],
    budgets: value['budgets'].map(withScope<BudgetQuote>),
    admitted: value['admitted'],
  };
}

/** Reads what a call would cost. */
export function decodeQuote(value: Wire): Quote {
  return {
    route: value['route'],
    candidates: value['candidates'].map(decodeCandidate),
    passedOver: value['passed_over'].map(decodeFields<Quote['passedOver'][number]>),
  };
}
