/** A mock provider on loopback, and an open file whose models it plays. */

import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';

import type { PriceMap, Settings, UsageFilter, UsageRecord } from '../dist/index.js';
import { Tollway } from '../dist/index.js';

/** The package's folder. */
export const PACKAGE = join(__dirname, '..');
/** A whole key, because a passphrase is slow to derive a key of at every opening. */
export const MASTER_KEY = '5e'.repeat(32);
export const PRICES = {
  input_token: { unitPrice: '0.15', unit: 'per_1m_tokens', currency: 'USD' },
  output_token: { unitPrice: '0.60', unit: 'per_1m_tokens', currency: 'USD' },
} as const satisfies PriceMap;
/** The streams that tests leave early must still be under way when they are left. */
export const LONG = 'Write a hundred words, each in an event of its own. '.repeat(20);

const SCRIPT_TIMEOUT = 60_000;
const SLOW = { delay_ms: 30_000, automatic: true };
const TRICKLE = { automatic: true, chunk_delay_ms: 200 };
const BROKEN = { automatic: true, chunk_delay_ms: 20, fault: { reset_after_bytes: 700 } };

/** Skips a test whose means are not there; in CI they must be. Returns whether it was skipped. */
export function isMissing(context: TestContext, what: string, value: unknown): boolean {
  if (value) {
    return false;
  }
  assert.notEqual(process.env['CI'], 'true', `${what} is missing, and CI must have it`);
  context.skip(`${what} is missing`);
  return true;
}

/** Returns the first true value of a condition; fails if none comes in time. */
export async function eventually<Value>(
  condition: () => Promise<Value> | Value,
  milliseconds = 5000,
): Promise<NonNullable<Value>> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) {
      return value;
    }
    assert.ok(performance.now() < deadline, `did not become true in time; last value: ${String(value)}`);
    await sleep(10);
  }
}

/** Waits for so many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A provider on loopback that answers by itself, or by a script. */
export class MockProvider {
  private constructor(
    readonly address: string,
    private readonly program: ChildProcessByStdio<Writable, Readable, null>,
  ) {}

  /** Starts the provider that `TOLLWAY_MOCK_PROVIDER` names. It ends when its standard input closes, however tests end. */
  static async start(): Promise<MockProvider> {
    const binary = process.env['TOLLWAY_MOCK_PROVIDER'];
    assert.ok(binary, 'set TOLLWAY_MOCK_PROVIDER to the mock provider; make test-node does');
    const program = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve, reject) => {
      program.once('error', reject);
      program.stdout.once('data', (data: Buffer) => resolve(data.toString()));
    });
    const address = /listening on (http:\S+)/.exec(line)?.[1];
    assert.ok(address, 'the mock provider must say where it listens');
    program.unref();
    return new MockProvider(address, program);
  }

  /** The base URL of replies that it makes by itself. */
  get baseUrl(): string {
    return `${this.address}/v1`;
  }

  /** Registers a script and returns the base URL that plays it. */
  async script(name: string, replies: readonly unknown[], then = 'repeat_last'): Promise<string> {
    const body = JSON.stringify({ replies, then });
    const response = await fetch(`${this.address}/_mock/scripts/${name}`, { method: 'PUT', body });
    assert.ok(response.ok, await response.text());
    return `${this.address}/s/${name}/v1`;
  }

  /** Returns what it received for a script. */
  async requests(script: string): Promise<unknown> {
    const response = await fetch(`${this.address}/_mock/requests?script=${script}&last=1000`);
    return response.json();
  }

  /** Returns how many requests have come for a script. */
  private async started(script: string): Promise<number> {
    const report = (await (await fetch(`${this.address}/_mock/counts`)).json()) as {
      scripts: Record<string, { started: number }>;
    };
    return report.scripts[script]?.started ?? 0;
  }

  /** Returns a signal that fires when the next request of a script has arrived. */
  async signalOnceSent(script: string, reason?: unknown): Promise<AbortSignal> {
    const controller = new AbortController();
    const before = await this.started(script);
    const fire = async (): Promise<void> => {
      while ((await this.started(script)) === before) {
        await sleep(10);
      }
      controller.abort(reason);
    };
    fire().catch((error: unknown) => controller.abort(error));
    return controller.signal;
  }

  /** Forgets counts and recordings, and starts every script again. */
  async reset(): Promise<void> {
    await (await fetch(`${this.address}/_mock/reset`, { method: 'POST' })).arrayBuffer();
  }

  /** Ends the program. */
  stop(): void {
    this.program.stdin.end();
    this.program.stdout.destroy();
  }
}

let mock: Promise<MockProvider> | undefined;

/** Returns the mock provider of this test file. Call `stopMock` in its `after`. */
export function mockProvider(): Promise<MockProvider> {
  mock ??= MockProvider.start();
  return mock;
}

/** Stops the mock provider of this test file. */
export async function stopMock(): Promise<void> {
  const started = await mock?.catch(() => undefined);
  started?.stop();
  mock = undefined;
}

/** Returns the path of a file that does not exist yet, in a folder that goes with the test. */
export function temporaryPath(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollway-test-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'app.tollway');
}

/** An open file with a priced default model, one that takes half a minute, a trickling one, and one that breaks. */
export async function openFile(
  context: TestContext,
  settings: Settings = {},
): Promise<{ tw: Tollway; path: string; mock: MockProvider }> {
  const provider = await mockProvider();
  const path = temporaryPath(context);
  const tw = await Tollway.open(path, { masterKey: MASTER_KEY, maxRetries: 0, ...settings });
  context.after(() => tw.close());
  const add = async (name: string, baseUrl: string, isDefault = false): Promise<void> => {
    await tw.models.add(name, { apiKey: 'k', baseUrl, prices: PRICES, default: isDefault });
  };
  await add('openai/house-model', provider.baseUrl, true);
  await add('openai/slow', await provider.script('slow', [SLOW]));
  await add('openai/trickle', await provider.script('trickle', [TRICKLE]));
  await add('openai/fail', await provider.script('fail', [BROKEN]));
  return { tw, path, mock: provider };
}

/** Returns all records of a selection. */
export async function records(tw: Tollway, filter: UsageFilter = {}): Promise<UsageRecord[]> {
  const found: UsageRecord[] = [];
  for await (const record of tw.usage.iterate(filter)) {
    found.push(record);
  }
  return found;
}

/** Waits for the one record of a user, and returns it. */
export async function recordOf(tw: Tollway, user: string): Promise<UsageRecord> {
  const [record, ...others] = await eventually(async () => {
    const found = await records(tw, { user });
    return found.length > 0 ? found : null;
  });
  assert.equal(others.length, 0);
  assert.ok(record);
  return record;
}

/** What a program of its own came to. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a Node program of its own, which has the package as `tollway`; kills it if it hangs. */
export function runProgram(source: string, values: readonly string[]): Promise<Ended> {
  return run(['-e', prelude() + source, ...values]);
}

/** Runs a Node program in a file; kills it if it hangs. */
export function runFile(path: string, values: readonly string[]): Promise<Ended> {
  return run([path, ...values]);
}

async function run(command: readonly string[]): Promise<Ended> {
  const program = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => program.kill('SIGKILL'), SCRIPT_TIMEOUT);
  const [output, errors] = [collect(program.stdout), collect(program.stderr)];
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    program.once('error', reject);
    program.once('close', (status, name) => resolve([status, name]));
  });
  clearTimeout(timer);
  return { code, signal, output: output.join(''), errors: errors.join('') };
}

function prelude(): string {
  return `const tollway = require(${JSON.stringify(join(PACKAGE, 'dist', 'index.js'))});\n`;
}

function collect(stream: Readable): string[] {
  const pieces: string[] = [];
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => pieces.push(piece));
  return pieces;
}
