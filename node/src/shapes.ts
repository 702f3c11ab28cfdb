/** The shapes of arguments. What a provider or a price list defines keeps its own names, in snake_case. */

/** An exact amount of money: a decimal text such as `"0.15"`, or a whole number. A fraction as a number is refused. */
export type Amount = string | bigint | number;

/** A quantity: a number where it is whole, else a decimal text. */
export type Quantity = number | string;

/** An instant: RFC 3339 text, a `Date`, or a day such as `2026-11-01`, which is its midnight UTC. */
export type Instant = string | Date;

/**
 * How long a budget runs before it starts again from zero: `total`, `minute`, `hour`, `day`, `week`, `month`; an ISO 8601
 * duration such as `PT5H` for a rolling window; or a recurrence such as `R/2026-11-15/P1M` for a calendar of its own.
 */
export type Window =
  'total' | 'minute' | 'hour' | 'day' | 'week' | 'month' | `PT${string}` | `P${string}` | `R/${string}`;

/** A word, or several of which one must be the call's. */
export type OneOf = string | readonly string[];

/** Gives a call up when it fires; the call is then billed by its `onAbandon`. */
export interface Abortable {
  readonly signal?: AbortSignal | null;
}

/** A cache breakpoint. */
export interface CacheControl {
  readonly type: 'ephemeral';
  readonly ttl?: '5m' | '1h';
}

/** A text in a list of parts. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  readonly cache_control?: CacheControl;
}

/** An image in a list of parts, at an `https:` or a `data:` address. */
export interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string; readonly detail?: 'low' | 'high' | 'auto' };
  readonly cache_control?: CacheControl;
}

/** A sound in a list of parts, as base64. */
export interface AudioPart {
  readonly type: 'input_audio';
  readonly input_audio: { readonly data: string; readonly format: string };
}

/** A document in a list of parts: its content as a `data:` address, or the provider's id of it. */
export interface FilePart {
  readonly type: 'file';
  readonly file: { readonly file_data?: string; readonly file_id?: string; readonly filename?: string };
  readonly cache_control?: CacheControl;
}

export type Content = string | readonly (TextPart | ImagePart | AudioPart | FilePart)[];

/** A message of the system or of the user. */
export interface TextMessage {
  readonly role: 'system' | 'developer' | 'user';
  readonly content: Content;
  readonly name?: string;
}

/** A tool call in an assistant's message. The arguments are JSON text. */
export interface ToolCallMessage {
  readonly id: string;
  readonly type?: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
  readonly extra_content?: unknown;
}

/** What the model said before. */
export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content?: Content | null;
  readonly reasoning_content?: string | null;
  readonly thinking_blocks?: readonly unknown[];
  readonly refusal?: string | null;
  readonly tool_calls?: readonly ToolCallMessage[] | null;
  readonly name?: string;
}

/** The result of a tool call. */
export interface ToolMessage {
  readonly role: 'tool';
  readonly content: Content;
  readonly tool_call_id: string;
  /** Whether the call failed, and the content says why. */
  readonly is_error?: boolean;
  readonly name?: string;
}

/** A message in the shape of OpenAI's chat API. */
export type Message = TextMessage | AssistantMessage | ToolMessage;

/** A conversation. One text is what a user says. */
export type Messages = string | readonly Message[];

/** A tool that a model may call; its `parameters` are a JSON schema. */
export interface Tool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
    readonly strict?: boolean;
  };
  readonly cache_control?: CacheControl;
}

/**
 * A tool that a vendor defines, as its own documentation writes it: `{ type: 'web_search_20250305', name: 'web_search',
 * max_uses: 3 }`, `{ google_search: {} }`. The format that has it takes it as it is; a model of another one refuses it by
 * name. Work that the provider charges for needs a price and a stated maximum where money is capped.
 */
export type VendorTool = Readonly<Record<string, unknown>>;
