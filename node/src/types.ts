/** The shapes of arguments. What a provider or a price list defines keeps its own names, in snake_case. */

/** An exact amount of money: a decimal text such as `"0.15"`, or a whole number. A fraction as a number is refused. */
export type Amount = string | bigint | number;

/** An instant: RFC 3339 text, a `Date`, or a day such as `2026-11-01`, which is its midnight UTC. */
export type Instant = string | Date;

export type Capability = 'text' | 'image' | 'audio' | 'video' | 'embedding';
export type Strategy = 'single' | 'fallback' | 'economy';
export type Window = 'total' | 'day' | 'month';
export type AbandonPolicy = 'drain' | 'cancel_and_estimate' | 'bill_reserved';
export type UnpricedPolicy = 'refuse' | 'hold' | 'allow';
export type RecordStatus = 'success' | 'failed' | 'timeout' | 'cancelled' | 'partial';
export type CostStatus = 'reported' | 'computed' | 'estimated' | 'unpriced';
export type PriceFormat = 'tollway' | 'litellm' | 'genai-prices' | 'models.dev' | 'openrouter';

export type Unit =
  | 'per_token'
  | 'per_1k_tokens'
  | 'per_1m_tokens'
  | 'per_character'
  | 'per_1k_characters'
  | 'per_10k_characters'
  | 'per_1m_characters'
  | 'per_second'
  | 'per_minute'
  | 'per_hour'
  | 'per_image'
  | 'per_pixel'
  | 'per_megapixel'
  | 'per_page'
  | 'per_1k_pages'
  | 'per_search'
  | 'per_1k_searches'
  | 'per_message'
  | 'per_1k_messages'
  | 'per_request'
  | 'per_1k_requests'
  | 'per_session'
  | 'per_token_hour'
  | 'per_1m_token_hours'
  | 'per_gigabyte_day'
  | 'per_credit'
  | 'per_job'
  | 'ratio';

export type Meter =
  | 'input_token'
  | 'cached_input_token'
  | 'explicit_cached_input_token'
  | 'cache_write_5m_token'
  | 'cache_write_1h_token'
  | 'input_audio_token'
  | 'cached_input_audio_token'
  | 'cache_write_audio_token'
  | 'input_image_token'
  | 'cached_input_image_token'
  | 'input_video_token'
  | 'cached_input_video_token'
  | 'output_token'
  | 'reasoning_token'
  | 'citation_token'
  | 'rejected_prediction_token'
  | 'output_audio_token'
  | 'output_image_token'
  | 'output_video_token'
  | 'input_character'
  | 'output_character'
  | 'tts_character'
  | 'input_audio_second'
  | 'output_audio_second'
  | 'input_video_second'
  | 'video_second'
  | 'compute_second'
  | 'input_image'
  | 'image'
  | 'input_pixel'
  | 'pixel'
  | 'page'
  | 'annotated_page'
  | 'search_unit'
  | 'web_search'
  | 'web_fetch'
  | 'search_source'
  | 'server_tool_call'
  | 'file_search'
  | 'maps_search'
  | 'text_message'
  | 'code_interpreter_session'
  | 'guardrail_unit'
  | 'credit'
  | 'cache_storage_token_hour'
  | 'storage_gigabyte_day'
  | 'job'
  | 'request';

/** A range of numbers: at most one of `above` and `from`, and of `up_to` and `below`. `from` and `up_to` are inside. */
export interface Range {
  readonly above?: Amount;
  readonly from?: Amount;
  readonly up_to?: Amount;
  readonly below?: Amount;
}

/** The hours and days at which a price applies, on the vendor's clock. Dates are `2026-10-01`, hours `09:00:00`. */
export interface Calendar {
  readonly time_zone?: string;
  readonly weekdays?: readonly ('monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday')[];
  /** The end is outside; it may be on the next day. */
  readonly hours?: readonly { readonly from: string; readonly until: string }[];
  readonly excluded_dates?: readonly string[];
  readonly included_dates?: readonly string[];
  readonly at?: 'request_start' | 'first_token' | 'completion';
}

/** A word, or several of which one must be the call's. */
export type OneOf = string | readonly string[];

/**
 * When a price applies: all of them must hold. The names are those of price lists, and stay as they are.
 *
 * The first group are numbers of the call that must lie in a range, the second its properties. With a `marginal` scale the
 * price is that of the part of the quantity that lies in the range, and not of all of it.
 */
export interface Conditions {
  readonly input_tokens?: Range;
  readonly output_tokens?: Range;
  readonly duration?: Range;
  readonly pixels?: Range;
  readonly max_results?: Range;

  readonly service_tier?: OneOf;
  readonly speed?: OneOf;
  readonly thinking?: boolean | OneOf;
  readonly resolution?: OneOf;
  readonly size?: OneOf;
  readonly quality?: OneOf;
  readonly audio?: boolean | OneOf;
  readonly video_input?: boolean | OneOf;
  readonly region?: OneOf;
  readonly endpoint_scope?: OneOf;
  readonly search_size?: OneOf;
  readonly search_type?: OneOf;
  readonly cache_mode?: OneOf;
  readonly deployment?: OneOf;
  readonly plan?: OneOf;

  readonly calendar?: Calendar;
  readonly scale?: 'whole_request' | 'marginal';
}

/** How a quantity is billed that is not a multiple of what the vendor bills. */
export interface RoundingInput {
  readonly minimumQuantity?: Amount | null;
  readonly step?: Amount | null;
  readonly minimumCharge?: Amount | null;
}

/** What a modifier multiplies: some meters, with those below them, or all. Lower orders are applied first. */
export interface ModifierInput {
  readonly group: string;
  readonly meters?: readonly Meter[];
  readonly order?: number;
  readonly excludes?: readonly string[];
}

/** A price of one meter, or the ratio of a modifier. It applies from `effectiveDate`, or now, to `expiryDate`. */
export interface PriceInput {
  readonly unitPrice: Amount;
  readonly unit: Unit;
  readonly currency: string;
  readonly conditions?: Conditions | null;
  readonly basis?: 'replaces' | 'surcharge' | null;
  readonly rounding?: RoundingInput | null;
  readonly modifier?: ModifierInput | null;
  readonly effectiveDate?: Instant | null;
  readonly expiryDate?: Instant | null;
  readonly source?: string | null;
}

/** Prices by meter, or `modifier`: one, or a list of them. */
export type PriceMap = { readonly [meter in Meter | 'modifier']?: PriceInput | readonly PriceInput[] };

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

/** What Tollway does with a call. */
export interface CallOptions {
  /** Who the call is for. */
  readonly user?: string | null;
  /** Names with values, by which budgets and reports can tell calls apart. */
  readonly tags?: Readonly<Record<string, string>> | null;
  /** The same key of the same user returns the same reply, which is billed once. */
  readonly idempotencyKey?: string | null;
  /** The time of all attempts together, in seconds. */
  readonly timeout?: number | null;
  /** How often a failed attempt is repeated. */
  readonly maxRetries?: number | null;
  /** The models to try after the one that is asked. */
  readonly fallbacks?: readonly string[] | null;
  /** What the call is billed if it is given up. */
  readonly onAbandon?: AbandonPolicy | null;
  /** What to do if the call has no price. */
  readonly onUnpriced?: UnpricedPolicy | null;
}

/** What a chat call takes beside its messages: what the model is asked, and what Tollway does with the call. */
export interface ChatParameters extends CallOptions {
  /** `provider/model`, an alias or a capability; the default model of `text` where left out. */
  readonly model?: string | null;
  readonly maxTokens?: number | null;
  readonly temperature?: number | null;
  readonly topP?: number | null;
  readonly stop?: string | readonly string[] | null;
  readonly tools?: readonly (Tool | VendorTool)[] | null;
  readonly toolChoice?: string | Readonly<Record<string, unknown>> | null;
  readonly parallelToolCalls?: boolean | null;
  readonly responseFormat?: Readonly<Record<string, unknown>> | null;
  readonly reasoningEffort?: string | null;
  readonly n?: number | null;
  readonly seed?: number | null;
  readonly presencePenalty?: number | null;
  readonly frequencyPenalty?: number | null;
  readonly serviceTier?: string | null;
  /** Fields that only some providers know, by their own names. Where money is capped, an unknown one has no price. */
  readonly extra?: Readonly<Record<string, unknown>> | null;
}

/** The choices for every request of a library that calls through `fetch`. Headers of a request choose for it alone. */
export interface FetchOptions extends Omit<CallOptions, 'idempotencyKey'> {
  /** The model to ask, whatever model a request names. */
  readonly model?: string | null;
}

/** Gives a call up when it fires; the call is then billed by its `onAbandon`. */
export interface Abortable {
  readonly signal?: AbortSignal | null;
}

/** What follows the messages of a chat call. */
export interface ChatOptions extends ChatParameters, Abortable {}

/** A chat call as one object. */
export interface ChatRequest extends ChatOptions {
  readonly messages: Messages;
}

/** What a model config takes beside its name. */
export interface ModelParameters {
  /** A name of your own, which requests and routes can use. */
  readonly alias?: string | null;
  /** What the model makes; what the bundled catalog says where left out, and `text` if that does not know it. */
  readonly capability?: Capability | null;
  /** The key of the provider, sealed before it is written. White space around it is left out; what no header can carry is refused. */
  readonly apiKey?: string | null;
  /**
   * Whether the key is read, now, from the environment variable in which the provider's key usually stands, such as
   * `OPENAI_API_KEY`.
   */
  readonly apiKeyFromEnvironment?: boolean | null;
  /** The address that replaces the provider's own, with or without its version and end point. */
  readonly baseUrl?: string | null;
  /**
   * `wire_format` (`openai_chat`, `anthropic_messages`, `gemini_generate_content`), where the provider speaks another one
   * than its own; `max_output_tokens`, the most that the model gives; `context_window`, the most that it takes; `max_uses`,
   * how often one call may use a tool that the provider runs, by the name of the tool or of its meter; `headers` and `body`,
   * which every request gets; `auth_header` and `max_tokens_field`, where a server departs from its format; `omit`, the names
   * of fields that a server refuses and that are left out, such as `["stream_options"]`. The names stay as they are.
   */
  readonly params?: Readonly<Record<string, unknown>> | null;
  /**
   * Whether the key may go to another machine over plain `http`, for everyone on the way to read. It is refused otherwise, in
   * private networks too.
   */
  readonly allowInsecure?: boolean | null;
  /** Whether it is the default of its capability. */
  readonly default?: boolean | null;
  /** Its place in a fallback; lower is earlier. */
  readonly priority?: number | null;
  /** Whether routing may pick it. */
  readonly active?: boolean | null;
  /** A note. */
  readonly description?: string | null;
  /** The prices of each meter. Those of the bundled catalog where left out; none where empty. */
  readonly prices?: PriceMap | null;
}

/** The fields of a model config to change. Null removes an alias, an address or a description. */
export interface ModelChanges {
  readonly alias?: string | null;
  readonly capability?: Capability;
  readonly apiKey?: string;
  readonly baseUrl?: string | null;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly allowInsecure?: boolean;
  readonly default?: boolean;
  readonly priority?: number;
  readonly active?: boolean;
  readonly description?: string | null;
}

/** The candidates of a route and how one is chosen. */
export interface RouteOptions {
  readonly strategy: Strategy;
  /** The configs to choose among, in order; all active ones of the capability where left out. */
  readonly models?: readonly string[] | null;
  /** For `economy`: whom to prefer among equals. */
  readonly preferredProviders?: readonly string[] | null;
  /** For `economy`: the most that one request may cost. */
  readonly maximumCost?: { readonly amount: Amount; readonly currency: string } | null;
}

/** Whose calls a budget caps, and at what. */
export interface BudgetOptions {
  readonly user?: string | null;
  /** A tag's key and value. */
  readonly tag?: readonly [key: string, value: string] | null;
  readonly limit?: Amount | null;
  readonly currency?: string | null;
  readonly limitTokens?: number | null;
  /** `total` where left out. */
  readonly window?: Window | null;
  /** The IANA time zone in which days and months begin; UTC where left out. */
  readonly timeZone?: string | null;
}

/** Which usage records to look at, apart from when; `tags` must all be there. */
export interface RecordFilter {
  readonly user?: string | null;
  readonly tags?: Readonly<Record<string, string>> | null;
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly requestId?: string | null;
  readonly status?: RecordStatus | null;
  readonly costStatus?: CostStatus | null;
}

/** Which usage records to look at. `until` is exclusive; `tags` must all be there. */
export interface UsageFilter extends RecordFilter {
  readonly since?: Instant | null;
  readonly until?: Instant | null;
}

/** Which page of usage records to read; 100 records where no limit is given. */
export interface RecordsOptions extends UsageFilter {
  readonly limit?: number | null;
  readonly cursor?: string | null;
}

/** What the file is held against. */
export interface VerifyOptions {
  /** What `head()` returned earlier; the ledger must still hold all that it held then. */
  readonly head?: string;
}

/** How to group usage records. */
export interface SummaryOptions extends UsageFilter {
  /** `model`, `provider`, `user`, `day`, `month`, `status`, `cost_status`, `currency` or `tag:KEY`. */
  readonly by?: string | readonly string[] | null;
  /** The IANA time zone in which days and months begin; UTC where left out. */
  readonly timeZone?: string | null;
}

/** How to bill past calls again. */
export interface RerateOptions extends RecordFilter {
  readonly until?: Instant | null;
  /** `as_known_now` (default), `in_force_now`, or the path of a price list. */
  readonly book?: string | URL | null;
  /** The format of that list; `tollway` where left out. */
  readonly format?: PriceFormat | null;
  /** Whether to write the differences as adjustments. */
  readonly apply?: boolean | null;
}

/** How to read a price list. */
export interface PriceImportOptions {
  readonly format: PriceFormat;
  /** Makes a key that was not understood an error. */
  readonly strict?: boolean | null;
  /** Whether to take the prices over, from now on. */
  readonly apply?: boolean | null;
  /** What the prices name as their source. */
  readonly source?: string | null;
}

/** When an exchange rate applies and where it is from. */
export interface FxOptions {
  readonly effectiveDate?: Instant | null;
  readonly source?: string | null;
}

/** How an open file behaves. Durations are in seconds. The settings belong to the handle, not to the file. */
export interface Settings {
  /** `strict` returns a reply after its settlement is in the file; `relaxed` while it is being written. */
  readonly durability?: 'strict' | 'relaxed' | null;
  /** Whether this process alone opens the file, at half the cost of a commit. */
  readonly exclusive?: boolean | null;
  /** Whether the file is made where it is missing or empty, by default; otherwise that is an error. */
  readonly create?: boolean | null;
  /** What to bill reservations whose process ended before settlement. */
  readonly recovery?: 'bill_reserved' | 'release' | null;
  /** The time that all attempts of a call together may take. */
  readonly timeout?: number | null;
  /** The time that a connection may take to be made. */
  readonly connectTimeout?: number | null;
  /** The time that a stream may stay silent. */
  readonly streamIdleTimeout?: number | null;
  /**
   * The address of the proxy through which calls go, with the scheme `http`, `https`, `socks5` or `socks5h`, and a user and a
   * password before the host if it wants them. `environment` takes the one that `HTTPS_PROXY` or `ALL_PROXY` names, except for
   * what `NO_PROXY` names, and sends it nothing that is plain `http`. What stays on this machine goes through none. None by
   * default, whatever the environment says.
   */
  readonly proxy?: string | null;
  /** How often a failed attempt is repeated, beyond the first attempt of each candidate. */
  readonly maxRetries?: number | null;
  /** How many failures in a row make a model config cool down. */
  readonly cooldownFailures?: number | null;
  /** How long a failing model config is passed over the first time. */
  readonly cooldown?: number | null;
  /** What a call that is given up before its end is billed. */
  readonly onAbandon?: AbandonPolicy | null;
  /** What to do with a call that has no price. */
  readonly onUnpriced?: UnpricedPolicy | null;
  /**
   * When the cost that a provider states in its answer is billed: `over_catalog` (by default) over the prices of the catalog or
   * of an import and where there is none, but not over prices that were set; `always`; or `never`.
   */
  readonly reportedCost?: 'over_catalog' | 'always' | 'never' | null;
  /** The output limit of a call that a budget applies to and that has no other. */
  readonly defaultOutputLimit?: number | null;
  /**
   * The most bytes of one answer (33554432 by default). A longer one is read no further, ends in `ProviderUnavailableError` and
   * is billed as far as it came. Where the output of a call is limited, an answer that is longer than its limit can make it is
   * ended earlier: at 2 MiB and 16 KiB for each token.
   */
  readonly maximumAnswerBytes?: number | null;
}

/** How to open a file. */
export interface OpenOptions extends Settings {
  /**
   * What seals the API keys: 32 bytes as hexadecimal digits or base64, or a passphrase of at least 8 characters. `env:NAME`
   * reads it from an environment variable; a function is called for it once.
   */
  readonly masterKey: string | (() => string | Promise<string>);
}
