/**
 * What calls return: plain objects, which JSON and workers can carry. Amounts are decimal texts, token counts numbers, and
 * instants RFC 3339 texts in UTC, each as exact as the ledger has it.
 */

import type { Conversion, Facts, Quantity, Receipt, ReceiptLine } from './price-results.js';
import type { Message } from './types.js';

/** An exact amount in one currency. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** Billed work inside an attempt that its top-level meters leave out. */
export interface Iteration {
  readonly kind: string;
  readonly model: string | null;
  readonly meters: Readonly<Record<string, Quantity>>;
}

/** The quantities of one attempt, as disjoint meters. What was not reported is absent, which is not zero. */
export interface Usage {
  readonly meters: Readonly<Record<string, Quantity>>;
  readonly flags: readonly string[];
  readonly reportedTotal: number | null;
  readonly reportedCost: string | null;
  /** What the prices make, where the cost that the provider states was billed instead. */
  readonly computedCost: Money | null;
  readonly iterations: readonly Iteration[];
  /** All input tokens, those read from and written to a cache included. */
  readonly inputTokens: number | null;
  /** The input tokens that the provider read from its cache. */
  readonly cachedInputTokens: number | null;
  /** The input tokens that the provider wrote to its cache. */
  readonly cacheWriteTokens: number | null;
  /** All output tokens, reasoning included. */
  readonly outputTokens: number | null;
  /** The output tokens that were spent on reasoning. */
  readonly reasoningTokens: number | null;
  /** All tokens. */
  readonly totalTokens: number | null;
}

/** A call that a model asks for. The arguments are JSON text, exactly as the model wrote them. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly type: string;
  readonly extraContent: unknown;
}

/** One answer of a reply. Its message can be sent back as it is in the next turn. */
export interface Choice {
  readonly index: number;
  readonly message: Message;
  readonly finishReason: string | null;
  readonly providerFinishReason: string | null;
}

/** One attempt of a call, which may have failed. `model` is `provider/model`. */
export interface Attempt {
  readonly number: number;
  readonly provider: string;
  readonly model: string;
  readonly modelConfigId: number;
  readonly modelId: number;
  readonly recordUid: string;
  readonly status: string;
  readonly errorCode: string | null;
  readonly cost: string | null;
  readonly currency: string | null;
  readonly costStatus: string;
  readonly latencyMs: number;
}

/** A complete reply: what the model said, what it consumed, and what it cost. */
export interface ChatReply {
  /** The text of the first answer. */
  readonly text: string;
  /** The model that was asked, as `provider/model`. */
  readonly model: string;
  readonly provider: string;
  /** The model that the provider says it served, which may be a dated version. */
  readonly servedModel: string | null;
  readonly usage: Usage;
  /** What all attempts cost together, in `currency`; null if any of them has no price. */
  readonly cost: string | null;
  readonly currency: string | null;
  /** `reported`, `computed`, `estimated` or `unpriced`. */
  readonly costStatus: string;
  readonly receipt: Receipt;
  readonly attempts: readonly Attempt[];
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: string | null;
  readonly providerFinishReason: string | null;
  readonly reasoning: string | null;
  readonly choices: readonly Choice[];
  /** The provider's id of the answer. */
  readonly id: string | null;
  /** The id of the call, shared by all its attempts and records. */
  readonly requestId: string;
  /** Whether an earlier call with the same idempotency key made this reply; it was billed then. */
  readonly replayed: boolean;
}

/** A piece of a tool call. The first piece of an index has the id and the name. */
export interface ToolCallDelta {
  readonly index: number;
  readonly id: string | null;
  readonly name: string | null;
  readonly arguments: string;
  readonly extraContent: unknown;
}

/** A piece of an answer. The last event of a stream has no text, and has the settled `reply`. */
export interface StreamEvent {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCallDelta[];
  readonly finishReason: string | null;
  readonly reply: ChatReply | null;
  readonly index: number;
  readonly providerFinishReason: string | null;
  readonly refusal: string;
  readonly thinkingBlock: unknown;
}

/** What an administrator configured and routing picks. The API key is never shown. */
export interface ModelConfig {
  readonly id: number;
  readonly provider: string;
  readonly modelName: string;
  /** The name, as `provider/model`. */
  readonly name: string;
  readonly alias: string | null;
  readonly capability: string;
  readonly baseUrl: string | null;
  readonly modelParams: Readonly<Record<string, unknown>>;
  readonly isDefault: boolean;
  readonly priority: number;
  readonly isActive: boolean;
  readonly description: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A model config that was added or set, and what its administrator may want to know. */
export interface ConfiguredModel extends ModelConfig {
  readonly outcome: 'added' | 'changed' | 'unchanged';
  /** Where its prices come from; `kept` where it had them before, `none` where its calls are unpriced. */
  readonly pricesFrom: 'given' | 'catalog' | 'kept' | 'none';
  /** Models of the provider that may have been meant, nearest first, where the catalog does not know this one. */
  readonly nearMatches: readonly string[];
  /** What may be wrong, in words; calls are made all the same. */
  readonly warnings: readonly string[];
}

/** The billing identity of a model that was used. It is never deleted. */
export interface Model {
  readonly id: number;
  readonly providerId: number;
  readonly provider: string;
  readonly modelCode: string;
  readonly modelName: string;
  readonly modelType: string;
  readonly enabled: boolean;
  readonly createdAt: string;
}

/** What this process knows of a config's health. `coolingFor` is in seconds; null if it is healthy. */
export interface ModelHealth {
  readonly model: string;
  readonly modelConfigId: number;
  readonly consecutiveFailures: number;
  readonly coolingFor: number | null;
}

/** How the candidates of a capability or an alias are chosen. */
export interface Route {
  readonly id: number;
  readonly name: string;
  readonly strategy: string;
  readonly models: readonly string[];
  readonly preferredProviders: readonly string[];
  readonly maximumCost: Money | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A cap with its state in the window that is running. `user` and `tag` are both null for everyone's budget. */
export interface Budget {
  readonly id: number;
  readonly user: string | null;
  readonly tag: readonly [key: string, value: string] | null;
  /** What may be used in a window: an amount in `currency`, or a number of tokens if that is null. */
  readonly limit: string;
  readonly currency: string | null;
  readonly window: string;
  readonly timeZone: string;
  readonly windowStart: string | null;
  readonly windowEnd: string | null;
  /** What settled calls used. */
  readonly settled: string;
  /** What calls under way hold. */
  readonly reserved: string;
  /** The limit less what is settled and reserved, never below zero. */
  readonly remaining: string;
  /** How many calls without a price keep the budget closed. */
  readonly holds: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** One billed attempt, as it stands in the ledger. `model` is `provider/model`. */
export interface UsageRecord {
  readonly id: number;
  /** The identity over all ledgers. */
  readonly uid: string;
  readonly user: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly providerId: number;
  readonly provider: string;
  readonly modelId: number;
  readonly model: string;
  readonly modelConfigId: number;
  readonly usageType: string;
  readonly usage: Usage;
  readonly tokenConsumed: number | null;
  /** What it cost, in `currency`; null if it is unpriced. */
  readonly costAmount: string | null;
  readonly currency: string | null;
  readonly costStatus: string;
  /** What produced the number, such as `provider_usage`, `drain`, `estimate` or `adjustment`. */
  readonly billedBy: string;
  readonly receipt: readonly ReceiptLine[];
  readonly priceIds: readonly number[];
  /** `success`, `failed`, `timeout`, `cancelled` or `partial`. */
  readonly status: string;
  readonly requestId: string;
  readonly providerRequestId: string | null;
  readonly servedModel: string | null;
  readonly attempt: number;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly latencyMs: number;
  readonly createdAt: string;
  /** What the call was, as far as prices depend on it. */
  readonly facts: Facts | null;
  /** The cost in the currencies of budgets that it moved. */
  readonly conversions: readonly Conversion[];
  /** The uid of the record whose cost this one corrects; null on every other record. */
  readonly adjusts: string | null;
}

/** A page of usage records. `nextCursor` gets the next page; it is null on the last one. */
export interface UsagePage {
  readonly records: readonly UsageRecord[];
  readonly nextCursor: string | null;
}

/** A group of usage records with their exact totals by currency. */
export interface SummaryRow {
  readonly group: Readonly<Record<string, string | null>>;
  readonly calls: number;
  readonly unpricedCalls: number;
  readonly failedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totals: Readonly<Record<string, string>>;
}

/** Something in the file that is not as it was written. */
export interface Damage {
  /** The table; `pages` for what lies below all tables, `ledger` for a ledger that is not the expected one. */
  readonly table: string;
  /** The row, where one can be named. */
  readonly row: string | null;
  /** What is wrong. */
  readonly problem: string;
}

/** What a check of the whole file found. */
export interface Verification {
  /** How many usage records were read. */
  readonly records: number;
  /** How many rows of all tables were read. */
  readonly rows: number;
  /** The head of the ledger. */
  readonly head: string;
  /** What is wrong; empty if nothing is. */
  readonly damage: readonly Damage[];
}

/** An amount that a call may cost, with the lines that make it. */
export interface QuotedCost {
  readonly amount: string;
  readonly lines: readonly ReceiptLine[];
}

/** What a budget says to a call. `user` and `tag` are both null for everyone's budget. */
export interface BudgetQuote {
  readonly budgetId: number;
  readonly user: string | null;
  readonly tag: readonly [key: string, value: string] | null;
  readonly window: string;
  /** What may be used in a window: an amount in `currency`, or a number of tokens if that is null. */
  readonly limit: string;
  readonly currency: string | null;
  /** What is left of it now. */
  readonly remaining: string;
  /** What the call would hold of it; null if that is not known. */
  readonly needed: string | null;
  /** Whether it would admit the call. */
  readonly admits: boolean;
  /** Why not, where it would not. */
  readonly reason: string | null;
}

/** What a call would cost with one model config. */
export interface CandidateQuote {
  /** The config's alias, or `provider/model`. */
  readonly model: string;
  readonly modelConfigId: number;
  /** The currency of its prices; null if it has none in force. */
  readonly currency: string | null;
  /** The least that it costs: all of the input read from the provider's cache, and one token of output. */
  readonly minimum: QuotedCost | null;
  /** What it is expected to cost. */
  readonly expected: QuotedCost | null;
  /** The most that it can cost, which is what budgets hold. */
  readonly worst: QuotedCost | null;
  /** Why it has no price, where it has none. */
  readonly unpriced: string | null;
  /** What each budget that applies says. */
  readonly budgets: readonly BudgetQuote[];
  /** Whether every budget admits it. */
  readonly admitted: boolean;
}

/** A model config that a call would not be tried with, and why. */
export interface PassedOver {
  readonly model: string;
  readonly reason: string;
}

/** What a call would cost, and whether its budgets would admit it. Nothing was reserved, and nothing sent. */
export interface Quote {
  /** The models whose budgets admit the call, in the order in which it would try them now. */
  readonly route: readonly string[];
  /** What the call would cost with each model that may serve it. */
  readonly candidates: readonly CandidateQuote[];
  /** The models that may not, with the reason. */
  readonly passedOver: readonly PassedOver[];
}
