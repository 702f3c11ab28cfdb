/// <reference lib="esnext.disposable" preserve="true" />

/** The client. */

import { EXPORT_OPTIONS, IMPORT_OPTIONS, VERIFY_OPTIONS } from './arguments/ledger.js';
import { SETTINGS } from './arguments/settings.js';
import { Calls } from './calls.js';
import { chatArguments } from './chat.js';
import { Engine, runApart } from './engine.js';
import { invalid } from './errors.js';
import { fetchOver } from './fetch.js';
import type { LogListener } from './logs.js';
import { kindOf, OptionNames } from './names.js';
import type {
  Archive,
  Backup,
  ChatReply,
  Compaction,
  LedgerExport,
  LedgerImport,
  Quote,
  Session,
  Verification,
} from './results.js';
import { session } from './session.js';
import { ChatStream } from './stream.js';
import type {
  ChatOptions,
  ChatParameters,
  ChatRequest,
  ExportOptions,
  FetchOptions,
  ImportOptions,
  Instant,
  Messages,
  OpenOptions,
  SessionOptions,
  VerifyOptions,
} from './types.js';
import { instantText, pathText } from './values.js';

const CLOSE_TIMEOUT = 5;
const EXPORT = new OptionNames('export()', EXPORT_OPTIONS);
const IMPORT = new OptionNames('Tollway.importFile()', IMPORT_OPTIONS);
const VERIFY = new OptionNames('verify()', VERIFY_OPTIONS);
const OPEN = new OptionNames('Tollway.open()', ['masterKey', ...Object.keys(SETTINGS), 'onLog']);

/**
 * An open file: its models, prices, routes, budgets and ledger, and the calls that it makes and bills.
 *
 * It belongs to the thread that opened it; worker threads and other processes open the file for themselves. Close it, or
 * declare it with `await using`; what is left open is closed when the process exits.
 */
export class Tollway extends Calls {
  /** @internal */
  constructor(engine: Engine) {
    if (!(engine instanceof Engine)) {
      throw invalid('a Tollway is made by await Tollway.open(path, { masterKey })');
    }
    super(engine);
  }

  /**
   * Opens a file, and makes it at first use. Many processes may open one file, unless one has it exclusively. The path
   * `:memory:` is a new ledger in memory, for tests: it ends with its handle, and no other thread or process sees it.
   *
   * Rejects with a `WrongMasterKeyError` or a `NotATollwayFileError`, and then has changed nothing; a `StorageError` if the
   * file could not be read or written, or another process opened it exclusively; an `InvalidRequestError` if a setting is
   * wrong.
   */
  static async open(path: string | URL, options: OpenOptions): Promise<Tollway> {
    const file = pathText(path, 'path');
    const { master_key: masterKey, on_log: onLog, ...settings } = OPEN.read(options);
    const text: unknown = typeof masterKey === 'function' ? await masterKey() : masterKey;
    if (typeof text !== 'string') {
      throw invalid(`masterKey must be a string, or a function that returns one, not ${kindOf(text)}`);
    }
    const engine = Engine.create(file, { master_key: text, settings }, onLog as LogListener | undefined);
    await engine.run('open', {});
    return new Tollway(engine);
  }

  /**
   * Puts a copy that `backup()` made where nothing is, after all of its pages were checked.
   *
   * The copy stays as it is, and the same master key opens what was put. Rejects with a `NotFoundError` if there is no copy, a
   * `NotATollwayFileError` if it is another kind of file, a `CorruptedFileError` if it is damaged, and a `StorageError` if
   * anything is at the path or it cannot be written.
   */
  static async restore(backup: string | URL, path: string | URL): Promise<void> {
    return runApart('ledger.restore', { backup: pathText(backup, 'backup'), path: pathText(path, 'path') });
  }

  /**
   * Makes a file, where nothing is, of what `export()` wrote: all or nothing.
   *
   * Rows keep their ids, so that all sums and balances are those of the file that was exported. The file is verified before it
   * gets its name. Secrets of the export are left out without its `passphrase`. Rejects with a `NotFoundError` if there is no
   * export, a `NotATollwayFileError` if it is another kind of file, a `NewerFileError` if a newer version wrote it, a
   * `CorruptedFileError` that names the line if it was changed or cut off, a `WrongMasterKeyError` if the passphrase is another
   * one, a `StorageError` if anything is at the path or it cannot be written, and an `InvalidRequestError` if the master key is
   * too short, or a passphrase is given to an export without secrets.
   */
  static async importFile(file: string | URL, path: string | URL, options: ImportOptions): Promise<LedgerImport> {
    const places = { file: pathText(file, 'file'), path: pathText(path, 'path') };
    return runApart('ledger.import_file', { ...places, ...IMPORT.read(options) });
  }

  /**
   * Gives the free pages of a file back, such as those of what was archived.
   *
   * Rejects with a `NotFoundError` if there is no file, a `NotATollwayFileError` if it is another kind of file, and a
   * `StorageError` if anybody has it open.
   */
  static async compact(path: string | URL): Promise<Compaction> {
    return runApart('ledger.compact', { path: pathText(path, 'path') });
  }

  /** The path of the file. */
  get path(): string {
    return this.engine.path;
  }

  /**
   * Makes a call and returns the whole reply, once its cost is in the ledger.
   *
   * Messages are a string, which a user says, or an array in the shape of OpenAI's chat API. Rejects with a `BudgetExceededError`
   * if a budget that applies would be passed, and with another `TollwayError` if the call failed. When the signal fires, it
   * rejects with the signal's reason, and the call is billed by its `onAbandon`.
   */
  async chat(request: ChatRequest): Promise<ChatReply>;
  async chat(messages: Messages, options?: ChatOptions): Promise<ChatReply>;
  async chat(first: Messages | ChatRequest, options?: ChatOptions): Promise<ChatReply> {
    const { values, signal } = chatArguments(first, options, 'chat()');
    return this.engine.run('chat', values, signal);
  }

  /**
   * Starts a streamed call and returns its events, to be read by `for await`.
   *
   * What was wrong with the call is thrown while the events are read. Leaving the stream early gives the call up, which is
   * then billed by its `onAbandon`. When the signal fires, reading throws the signal's reason.
   */
  chatStream(request: ChatRequest): ChatStream;
  chatStream(messages: Messages, options?: ChatOptions): ChatStream;
  chatStream(first: Messages | ChatRequest, options?: ChatOptions): ChatStream {
    const { values, signal } = chatArguments(first, options, 'chatStream()');
    return new ChatStream(this.engine.stream(values), signal);
  }

  /**
   * Returns a function of the type of the global `fetch`, to be given to a vendor's library: its calls are then routed and
   * billed in process, and no connection is made for them here.
   *
   * Chats in the formats of OpenAI (completions and responses) and of Anthropic are served by whatever model is asked or
   * routed to; the list of models is that of this file; every other request goes to its provider as it is, and is recorded
   * without a price. A call that failed is answered as the vendor would, so that the library throws its own error, with the
   * stable code in it. When a request's signal fires, or its body is left unread, the call is given up, and is billed by its
   * `onAbandon`. The function rejects with `TypeError('fetch failed')` if the file was closed; the cause is the
   * `TollwayError`.
   */
  fetch(options?: FetchOptions): typeof globalThis.fetch {
    return fetchOver(this.engine, options);
  }

  /**
   * Says what a chat call would cost with each model that may serve it, and whether its budgets would admit it.
   *
   * Nothing is sent, and nothing is reserved. Rejects with a `NoRouteError` if no model could serve the call.
   */
  async quote(request: ChatParameters & { readonly messages: Messages }): Promise<Quote>;
  async quote(messages: Messages, parameters?: ChatParameters): Promise<Quote>;
  async quote(first: Messages | ChatRequest, parameters?: ChatParameters): Promise<Quote> {
    const { values, signal } = chatArguments(first, parameters, 'quote()');
    return this.engine.run('quote', values, signal);
  }

  /**
   * Runs a block whose calls are one session, which its limits cap all together.
   *
   * `await tw.session({ limit: '0.50', currency: 'USD' }, async (session) => { ... })` caps an agent's run. Calls of vendors' libraries
   * through this file are in it too, and so is what the block starts and sessions that are opened in it. Other processes and threads join
   * by its `id`, or by `within: session.path`. Without an `id` its limits are deleted at the end; what is left running then is refused.
   * Returns what the block returns. Rejects with an `InvalidRequestError` if a limit is half given, and as the block does.
   */
  async session<Result>(
    options: SessionOptions,
    block: (session: Session) => Result | Promise<Result>,
  ): Promise<Result> {
    return session(this.engine, options, block);
  }

  /**
   * Returns the head of the ledger as a text, to be kept outside the file.
   *
   * `verify()` tells by it later whether an older copy was put in the place of the file.
   */
  async head(): Promise<string> {
    return this.engine.run('ledger.head', {});
  }

  /**
   * Reads the whole file and returns what is not as it was written: pages, rows, indexes, balances, rollups.
   *
   * Damage is told and rejects nothing. It reads every record, so it takes some seconds for each million; calls go on
   * meanwhile. With a `head` that `head()` returned earlier, the ledger must still hold all that it held then. Rejects with an
   * `InvalidRequestError` if that is no head of a ledger.
   */
  async verify(options?: VerifyOptions): Promise<Verification> {
    return this.engine.run('ledger.verify', VERIFY.read(options));
  }

  /**
   * Writes a copy of the file, as it stands at one commit, to a path where nothing is, while calls go on.
   *
   * The same master key opens it. What calls hold at that commit is billed by the rules of recovery where the copy is opened.
   * Rejects with a `StorageError` if anything is at the path or it cannot be written, and an `InvalidRequestError` for a
   * ledger in memory.
   */
  async backup(path: string | URL): Promise<Backup> {
    return this.engine.run('ledger.backup', { path: pathText(path, 'path') });
  }

  /**
   * Writes the records of the whole months (in UTC) before an instant to a new file, as compressed lines of JSON with a check
   * sum; then they leave the ledger.
   *
   * Calls go on. Sums, budgets, quotas and pools stay as they are. Records that have no price yet stay, and so do those whose
   * settlement may still come. Rejects with a `StorageError` if anything is at the path or it cannot be written, and an
   * `InvalidRequestError` if the month of `before` has not begun.
   */
  async archive(before: Instant, path: string | URL): Promise<Archive> {
    return this.engine.run('ledger.archive', {
      before: instantText(before, 'before'),
      path: pathText(path, 'path'),
    });
  }

  /**
   * Writes everything that the file holds to a path where nothing is, as lines of JSON, while calls go on.
   *
   * `Tollway.importFile()` makes a file of it. It is what stood in the file at one commit. API keys and secret headers are left
   * out, or sealed under a `passphrase` of at least 8 characters; idempotency keys are left out. Rejects with a `StorageError` if
   * anything is at the path or it cannot be written, and an `InvalidRequestError` for a ledger in memory, or if the passphrase is
   * too short.
   */
  async export(path: string | URL, options?: ExportOptions): Promise<LedgerExport> {
    return this.engine.run('ledger.export', { path: pathText(path, 'path'), ...EXPORT.read(options) });
  }

  /** Seals everything in the file with another master key, all or nothing. */
  async rotateMasterKey(masterKey: string): Promise<void> {
    return this.engine.run('vault.rotate', { master_key: masterKey });
  }

  /**
   * Stops new calls and waits for settlements under way, at most for so many seconds.
   *
   * Returns whether all ended. Calls after it reject with a `ClosedError`. Closing twice does nothing.
   */
  async close(timeout = CLOSE_TIMEOUT): Promise<boolean> {
    return this.engine.close(timeout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
