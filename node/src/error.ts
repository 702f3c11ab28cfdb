/** What all errors share, and what those of some kinds have beside it. */

/** One attempt of a call that failed. */
export interface FailedAttempt {
  /** The model that was tried, as `provider/model`. */
  readonly model: string;
  readonly outcome: 'not_sent' | 'failed' | 'timeout' | 'cancelled' | 'partial';
  /** The stable code of its error. */
  readonly errorCode: string;
  /** The HTTP status of the provider's answer. */
  readonly status: number | null;
  /** The usage record of the attempt; null where nothing was sent. */
  readonly recordUid: string | null;
}

/** What a budget that refused a call had. Amounts are texts in its currency, or tokens where that is null. */
export interface BudgetRefusal {
  readonly budgetId: number;
  /** What may be used in its window. */
  readonly limit: string;
  /** What was used in it. */
  readonly settled: string;
  /** What calls under way hold. */
  readonly reserved: string;
  /** What the call asked to hold. */
  readonly asked: string;
  readonly currency: string | null;
  /** The greatest `maxTokens` with which the same call fits into this budget now; null where none is known to. */
  readonly maxTokens: number | null;
}

/** What an error carries beside its detail. */
export interface ErrorAttributes {
  readonly code?: string;
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly status?: number | null;
  readonly retryAfter?: number | null;
  readonly requestId?: string | null;
  readonly providerCode?: string | null;
  readonly retryable?: boolean;
  readonly attempts?: readonly FailedAttempt[];
  readonly budget?: BudgetRefusal | null;
  readonly field?: string | null;
}

/** Stands for every error of Tollway. Its code is stable; its detail is a sentence for people. */
export class TollwayError extends Error {
  static readonly defaultCode: string = 'internal';

  /** The stable code of the kind, such as `budget_exceeded`. */
  readonly code: string;
  /** What was wrong and what to do. */
  readonly detail: string;
  /** The provider of the failed attempt. */
  readonly provider: string | null;
  /** The model of the failed attempt, without its provider. */
  readonly model: string | null;
  /** The HTTP status of the provider's answer. */
  readonly status: number | null;
  /** How long to wait before a retry, in seconds. */
  readonly retryAfter: number | null;
  /** The provider's id of the request. */
  readonly requestId: string | null;
  /** The provider's own error code or type. */
  readonly providerCode: string | null;
  /** Whether the same call, sent again, may succeed. */
  readonly retryable: boolean;
  /** The attempts of a call that failed, in order; none of what is no call. */
  readonly attempts: readonly FailedAttempt[];
  /** The argument that is wrong, as its path such as `prices.input_token.unit`; null where none is. */
  readonly field: string | null;

  constructor(detail: string, attributes: ErrorAttributes = {}) {
    const { provider = null, model = null } = attributes;
    super(provider !== null && model !== null ? `${detail} [${provider}/${model}]` : detail);
    this.name = new.target.name;
    this.code = attributes.code ?? new.target.defaultCode;
    this.detail = detail;
    this.provider = provider;
    this.model = model;
    this.status = attributes.status ?? null;
    this.retryAfter = attributes.retryAfter ?? null;
    this.requestId = attributes.requestId ?? null;
    this.providerCode = attributes.providerCode ?? null;
    this.retryable = attributes.retryable ?? false;
    this.attempts = attributes.attempts ?? [];
    this.field = attributes.field ?? null;
  }
}

/** Says what the budget had that refused a call. */
export class BudgetError extends TollwayError {
  /** The budget that refused; null where no one budget did. */
  readonly budgetId: number | null;
  /** What may be used in its window, in its currency, or in tokens. */
  readonly limit: string | null;
  /** What was used in it. */
  readonly settled: string | null;
  /** What calls under way hold. */
  readonly reserved: string | null;
  /** What the call asked to hold. */
  readonly asked: string | null;
  /** The currency of the budget; null where it counts tokens. */
  readonly currency: string | null;
  /** The greatest `maxTokens` with which the same call fits into this budget now; null where none is known to. */
  readonly maxTokens: number | null;

  constructor(detail: string, attributes: ErrorAttributes = {}) {
    super(detail, attributes);
    const budget = attributes.budget ?? null;
    this.budgetId = budget?.budgetId ?? null;
    this.limit = budget?.limit ?? null;
    this.settled = budget?.settled ?? null;
    this.reserved = budget?.reserved ?? null;
    this.asked = budget?.asked ?? null;
    this.currency = budget?.currency ?? null;
    this.maxTokens = budget?.maxTokens ?? null;
  }
}
