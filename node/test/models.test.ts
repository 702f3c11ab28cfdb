/** Setting models up: again and again, by many at once, and with names that are nearly right. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

import { InvalidRequestError, Tollway } from '../dist/index.js';
import { MASTER_KEY } from './support.js';

function temporaryFile(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollway-models-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'app.tollway');
}

test('workers that start at once all set their models up', async (context) => {
  const path = temporaryFile(context);
  const handles = await Promise.all(Array.from({ length: 4 }, () => Tollway.open(path, { masterKey: MASTER_KEY })));
  const outcomes = await Promise.all(
    handles.flatMap((tw) =>
      [1, 2].map(() =>
        tw.models.set('openai/gpt-4o-mini', { apiKey: 'sk-1', default: true }).then((set) => set.outcome),
      ),
    ),
  );
  assert.deepEqual(outcomes.sort(), ['added', ...Array.from({ length: 7 }, () => 'unchanged')]);
  await assert.rejects(handles[0]?.models.add('openai/gpt-4o-mini', { apiKey: 'sk-1' }) ?? Promise.resolve(), {
    message: /is configured already/,
  });
  await Promise.all(handles.map((tw) => tw.close()));
});

test('what may be wrong with a model is said', async (context) => {
  const tw = await Tollway.open(temporaryFile(context), { masterKey: MASTER_KEY });
  const misspelt = await tw.models.set('openai/gpt-4o-minni', { apiKey: 'k' });
  assert.equal(misspelt.pricesFrom, 'none');
  assert.equal(misspelt.nearMatches[0], 'openai/gpt-4o-mini');
  assert.match(misspelt.warnings.join(), /did you mean openai\/gpt-4o-mini/);
  await assert.rejects(tw.models.set('opnai/gpt-4o', { apiKey: 'k' }), (error) => {
    assert(error instanceof InvalidRequestError);
    return /did you mean openai; set baseUrl/.test(error.detail);
  });
  await assert.rejects(tw.models.set('openai/gpt-4o'), /apiKeyFromEnvironment/);
  process.env['GROQ_API_KEY'] = 'k';
  assert.equal((await tw.models.set('groq/llama-3.1-8b-instant', { apiKeyFromEnvironment: true })).outcome, 'added');
  await tw.close();
});

test('a misspelt option is told what was meant', async (context) => {
  const tw = await Tollway.open(temporaryFile(context), { masterKey: MASTER_KEY });
  const misspelt = (options: object): object => options;
  await assert.rejects(tw.chat('Hi', misspelt({ usr: 'alice' })), /unknown option "usr"; .*; did you mean "user"\?/);
  assert.throws(() => tw.fetch(misspelt({ maxRetrys: 1 })), /did you mean "maxRetries"\?/);
  await assert.rejects(tw.chat('Hi', misspelt({ colour: 1 })), (error) => {
    assert(error instanceof InvalidRequestError);
    return !error.detail.includes('did you mean');
  });
  await tw.close();
});
