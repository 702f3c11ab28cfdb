/** What providers and calls of the AI SDK may choose, which no major version of it changes. */

import type { CallOptions } from '../types.js';

/** The choices for every call of a provider's models. `providerOptions.tollway` of a call choose for it alone. */
export type TollwayProviderSettings = Omit<CallOptions, 'idempotencyKey'>;

/** What `providerOptions.tollway` of a call may say: the engine's choices, and what the AI SDK has no setting for. */
export interface TollwayCallOptions extends CallOptions {
  readonly parallelToolCalls?: boolean | null;
  readonly serviceTier?: string | null;
  /** Whether the output must follow the schema exactly; true where left out. */
  readonly strictJsonSchema?: boolean | null;
  /** Fields that only some providers know, by their own names. */
  readonly extra?: Readonly<Record<string, unknown>> | null;
}
