/** Runs the scenarios of `tests/conformance` through the public API; their README describes them. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import {
  BudgetExceededError,
  type ChatRequest,
  type ChatStream,
  decimal,
  formatReceipt,
  type LogRecord,
  Tollway,
  TollwayError,
} from '../dist/index.js';
import { camelCase } from '../dist/names.js';
import { inOurWords } from '../dist/wording.js';
import { eventually, type MockProvider, mockProvider, PACKAGE, stopMock, temporaryPath } from './support.js';
import { asOptions, asPrices, asWire, isObject } from './wire.js';

// The arguments of a scenario are JSON, which only its schema knows.
type Json = any;

interface Step {
  readonly call?: string;
  readonly stream?: Json;
  readonly fetch?: Json;
  readonly requests?: string;
  readonly logs?: boolean;
  readonly reopen?: boolean | string;
  readonly arguments?: Json;
  readonly expect?: Json;
  readonly error?: Json;
  readonly save?: Record<string, string>;
  readonly at_least_seconds?: number;
  readonly at_most_seconds?: number;
}

const FOLDER = join(PACKAGE, '..', 'tests', 'conformance');
const SCENARIOS = readdirSync(FOLDER)
  .filter((name) => /^\d.*\.json$/.test(name))
  .sort();
// Arguments in the shape of OpenAI's API.
const SAME = new Set(['extra', 'messages', 'response_format', 'tags', 'tool_choice', 'tools', 'params']);
const MASTER_KEY = '0f'.repeat(32);
// What the engine says of its verbs.
const SCHEMA: Json = JSON.parse(readFileSync(join(PACKAGE, '..', 'bindings', 'schema', 'schema.json'), 'utf8'));

after(stopMock);

/** Returns the request and the options of a call side by side; fields that only some providers know go to `extra`. */
function callFields(verb: string, { request, options = {} }: Json): Json {
  const described: string = SCHEMA.verbs[verb].arguments.properties.request.$ref;
  const known = SCHEMA.arguments[described.split('/').at(-1) ?? ''].properties;
  const entries = Object.entries(request);
  const extra = Object.fromEntries(entries.filter(([name]) => !(name in known)));
  const fields = Object.fromEntries(entries.filter(([name]) => name in known));
  return { ...fields, ...(Object.keys(extra).length > 0 ? { extra } : {}), ...options };
}

/** Writes an argument of a verb as the package takes it. */
function argument(name: string, value: Json): Json {
  // Messages are OpenAI's, and keep their names.
  return name === 'prices' ? asPrices(value) : SAME.has(name) ? value : asOptions(value);
}

/** Calls the method of a verb, with its arguments by their place or by their names, as the engine says of it. */
async function call(tw: Tollway, verb: string, given: Json): Promise<unknown> {
  const { positional, arguments: described } = SCHEMA.verbs[verb];
  const [noun, method = noun] = verb.split('.') as [string, string?];
  const own: Json = noun in SCHEMA.nouns ? tw[noun as keyof Tollway] : tw;
  // What is about files that nobody has open belongs to the class.
  const owner: Json = camelCase(method) in own ? own : Tollway;
  const fields: Json = given.request === undefined ? { ...given } : callFields(verb, given);
  for (const [name, field] of Object.entries<Json>(described.properties ?? {})) {
    if (field.spread === true) {
      Object.assign(fields, fields[name]);
      delete fields[name];
    }
  }
  const places = positional.map((name: string) => argument(name, fields[name]));
  const named = Object.entries(fields).filter(([name]) => !positional.includes(name));
  const options = Object.fromEntries(named.map(([name, value]) => [camelCase(name), argument(name, value)]));
  return owner[camelCase(method)](...places, ...(named.length > 0 ? [options] : []));
}

/** Returns an error as the engine tells it. */
function fieldsOf(error: TollwayError): object {
  if (!(error instanceof BudgetExceededError) || error.limit === null) {
    return { ...error };
  }
  const { budgetId, limit, settled, reserved, asked, currency, maxTokens } = error;
  return { ...error, budget: { budgetId, limit, settled, reserved, asked, currency, maxTokens } };
}

/** Checks that a printed receipt has a row for each line, with its exact amount, and one for each total. */
function checkReceipt({ lines, totals }: Json): void {
  const rows = formatReceipt({ lines, totals })
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(/\s+/));
  assert.equal(rows.length, lines.length + Object.keys(totals).length);
  for (const [place, line] of lines.entries()) {
    assert.deepEqual(rows[place]?.slice(0, 2), [String(line.attempt), line.model]);
    assert.ok(rows[place]?.includes(line.amount ?? 'unpriced'));
  }
  for (const [place, [currency, total]] of Object.entries(totals).entries()) {
    assert.deepEqual(rows[lines.length + place], ['total', total, currency]);
  }
}

/** One scenario under way, with a file of its own. */
class Run {
  readonly #saved = new Map<string, Json>();
  tw: Tollway;

  private constructor(
    tw: Tollway,
    private readonly path: string,
    private readonly open: (path: string) => Promise<Tollway>,
    private readonly mock: MockProvider,
    private readonly records: LogRecord[],
  ) {
    this.tw = tw;
    this.#saved.set('mock', mock.address);
    this.#saved.set('folder', dirname(path));
    this.#saved.set('masterkey', MASTER_KEY);
  }

  static async start(path: string, mock: MockProvider, settings: object): Promise<Run> {
    const records: LogRecord[] = [];
    const onLog = (record: LogRecord): void => void records.push(record);
    const open = (place: string): Promise<Tollway> =>
      Tollway.open(place, { masterKey: MASTER_KEY, onLog, ...settings });
    return new Run(await open(path), path, open, mock, records);
  }

  async step(step: Step): Promise<void> {
    if (step.reopen !== undefined) {
      await this.tw.close();
      this.tw = await this.open(step.reopen === true ? this.path : this.filled(step.reopen));
      return;
    }
    if (step.requests !== undefined) {
      compare(this.filled(step.expect), await this.mock.requests(step.requests), '');
      return;
    }
    if (step.logs) {
      const expected = this.filled(step.expect);
      await eventually(() => this.records.length >= expected.length);
      compare(expected, asWire(this.records.splice(0)), '');
      return;
    }
    const begin = performance.now();
    const { result, error } = await this.outcome(step);
    const seconds = (performance.now() - begin) / 1000;
    assert.ok((step.at_least_seconds ?? 0) <= seconds && seconds <= (step.at_most_seconds ?? 60), `took ${seconds} s`);
    if (error === undefined) {
      assert.ok(step.error === undefined, `it should fail, and gave ${JSON.stringify(result)}`);
    } else {
      assert.ok(step.error !== undefined, `it failed: ${String(error)}`);
      compare(this.filled(step.error), asWire(fieldsOf(error)), '/error');
    }
    if ('expect' in step) {
      compare(this.filled(step.expect), result, '');
    }
    for (const [name, pointer] of Object.entries(step.save ?? {})) {
      this.#saved.set(name, at(result, pointer));
    }
  }

  private async outcome(step: Step): Promise<{ result?: unknown; error?: TollwayError }> {
    if (step.stream !== undefined) {
      return this.stream(this.filled(step.stream));
    }
    if (step.fetch !== undefined) {
      return { result: await this.fetch(this.filled(step.fetch)) };
    }
    try {
      const result: Json = await call(this.tw, step.call ?? '', this.filled(step.arguments ?? {}));
      if (isObject(result?.receipt)) {
        checkReceipt(result.receipt);
      }
      // What says nothing says null in the engine's JSON.
      return { result: asWire(result ?? null) };
    } catch (error) {
      assert.ok(error instanceof TollwayError, String(error));
      return { error };
    }
  }

  /** Reads a stream to its end: the joined text, the number of its pieces, and the settled reply. */
  private async stream(given: Json): Promise<{ result: unknown; error?: TollwayError }> {
    const pieces: string[] = [];
    const fields = Object.entries(callFields('chat', given));
    const request = fields.map(([name, value]) => [camelCase(name), argument(name, value)]);
    const stream: ChatStream = this.tw.chatStream(Object.fromEntries(request) as ChatRequest);
    const result = (): unknown => ({ text: pieces.join(''), deltas: pieces.length, reply: asWire(stream.reply) });
    try {
      for await (const { text } of stream) {
        if (text !== '') {
          pieces.push(text);
        }
      }
    } catch (error) {
      assert.ok(error instanceof TollwayError, String(error));
      return { result: result(), error };
    }
    return { result: result() };
  }

  /** Makes a request as a vendor's own library does, and reads its whole answer. */
  private async fetch({ method, url, headers, json, text, model, options }: Json): Promise<unknown> {
    const fetch = this.tw.fetch({ ...(asOptions(options ?? {}) as object), ...(model === undefined ? {} : { model }) });
    const body = text ?? (json === undefined ? null : JSON.stringify(json));
    const response = await fetch(new URL(url, 'https://api.example.com'), { method, headers, body });
    const answer = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: answer,
      ...(isJson ? { json: JSON.parse(answer) } : {}),
      events: answer.split('\n\n').filter(Boolean).map(serverEvent),
    };
  }

  /** Puts what was saved in the place of `{name}`: as it is where the text is nothing else, or else as text. */
  filled(value: Json): Json {
    if (Array.isArray(value)) {
      return value.map((item) => this.filled(item));
    }
    if (isObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, this.filled(field)]));
    }
    if (typeof value !== 'string') {
      return value;
    }
    const alone = /^\{([a-z]+)\}$/.exec(value);
    if (alone?.[1] !== undefined) {
      return this.#saved.get(alone[1]);
    }
    return value.replace(/\{([a-z]+)\}/g, (found, name: string) => String(this.#saved.get(name) ?? found));
  }
}

/** Reads a server-sent event: its name, where it has one, and its data, as JSON where it is. */
function serverEvent(text: string): unknown {
  const fields = text.split('\n').map((line): [string, string] => {
    const [name = '', ...value] = line.split(': ');
    return [name, value.join(': ')];
  });
  const event: Json = Object.fromEntries(fields);
  return event.data === undefined || event.data === '[DONE]' ? event : { ...event, data: JSON.parse(event.data) };
}

function at(value: Json, pointer: string): Json {
  return pointer
    .split('/')
    .slice(1)
    .reduce((found, part) => found[part], value);
}

/** Compares: objects hold at least what is expected, lists are as long and equal item by item, all else is equal. */
function compare(expected: Json, found: Json, place: string): void {
  if (isObject(expected) && Object.keys(expected).some((key) => key.startsWith('$'))) {
    for (const [key, given] of Object.entries(expected)) {
      const wanted = place.endsWith('/error/detail') ? inDetails(given) : given;
      assert.ok(
        fits(key, wanted, found),
        `at ${place}: ${key} ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`,
      );
    }
  } else if (isObject(expected) && isObject(found)) {
    for (const [key, wanted] of Object.entries(expected)) {
      if (isObject(wanted) && wanted['$absent'] === true) {
        assert.ok(!(key in found), `at ${place}: ${key} should be absent`);
      } else {
        assert.ok(key in found, `at ${place}: there is no ${key} in ${JSON.stringify(found)}`);
        compare(wanted, found[key], `${place}/${key}`);
      }
    }
  } else if (Array.isArray(expected) && Array.isArray(found)) {
    assert.equal(found.length, expected.length, `at ${place}: found ${JSON.stringify(found)}`);
    for (const [index, wanted] of expected.entries()) {
      compare(wanted, found[index], `${place}/${index}`);
    }
  } else {
    assert.deepEqual(
      found,
      expected,
      `at ${place}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`,
    );
  }
}

/** Writes what a detail must hold, which scenarios say with the engine's names, with those of this package. */
function inDetails(wanted: Json): Json {
  return Array.isArray(wanted) ? wanted.map(inOurWords) : inOurWords(wanted);
}

function fits(key: string, wanted: Json, found: Json): boolean {
  switch (key) {
    case '$present':
      return found !== null && found !== undefined;
    case '$decimal':
      return typeof found === 'string' && decimal.compare(found, wanted) === 0;
    case '$between':
      return typeof found === 'number' && wanted[0] <= found && found <= wanted[1];
    case '$contains': {
      const parts: Json[] = Array.isArray(wanted) ? wanted : [wanted];
      if (Array.isArray(found)) {
        return parts.every((part) => found.some((item) => isDeepStrictEqual(item, part)));
      }
      return typeof found === 'string' && parts.every((part) => found.includes(part));
    }
    default:
      return false;
  }
}

function read(name: string): Json {
  return JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
}

test('scenarios have no field that no one reads', () => {
  const schema = read('schema.json');
  const known = new Set(Object.keys(schema.properties));
  const stepFields = new Set(Object.keys(schema.$defs.step.properties));
  assert.ok(SCENARIOS.length >= 30);
  for (const name of SCENARIOS) {
    const scenario = read(name);
    assert.equal(name.replace(/^\d+_/, '').replace('.json', ''), scenario.name);
    assert.ok(
      Object.keys(scenario).every((field) => known.has(field)),
      name,
    );
    assert.ok(
      schema.required.every((field: string) => field in scenario),
      name,
    );
    assert.ok(
      scenario.steps.every((step: Step) => Object.keys(step).every((field) => stepFields.has(field))),
      name,
    );
  }
});

for (const name of SCENARIOS) {
  test(`scenario ${name}`, async (context: TestContext) => {
    const scenario = read(name);
    const mock = await mockProvider();
    // The mock provider outlives a scenario, and must forget the requests of the one before.
    await mock.reset();
    for (const [script, { replies, then }] of Object.entries<Json>(scenario.scripts ?? {})) {
      await mock.script(script, replies, then);
    }
    const run = await Run.start(temporaryPath(context), mock, asOptions(scenario.settings ?? {}) as object);
    try {
      for (const [field, call] of [
        ['models', 'models.add'],
        ['routes', 'routes.set'],
        ['budgets', 'budgets.set'],
      ] as const) {
        for (const given of scenario[field] ?? []) {
          await run.step({ call, arguments: given });
        }
      }
      for (const [place, step] of scenario.steps.entries()) {
        try {
          await run.step(step);
        } catch (error) {
          context.diagnostic(`step ${place + 1}: ${step.call ?? Object.keys(step)[0]}`);
          throw error;
        }
      }
    } finally {
      await run.tw.close();
    }
  });
}

test('a scenario with a wrong expectation fails', () => {
  const found = { text: 'a b', amount: '0.10', wait: 5, list: [1, 2] };
  compare({ text: { $contains: 'a' }, amount: { $decimal: '0.1' }, list: [1, 2], other: { $absent: true } }, found, '');
  for (const wrong of [
    { text: { $contains: 'c' } },
    { amount: '0.1' },
    { amount: { $decimal: '0.2' } },
    { wait: { $between: [6, 7] } },
    { list: [1] },
    { list: { $contains: 3 } },
    { text: { $absent: true } },
    { other: { $present: true } },
    { other: null },
    { text: { $unknown: 1 } },
  ]) {
    assert.throws(() => compare(wrong, found, ''), assert.AssertionError, JSON.stringify(wrong));
  }
});
