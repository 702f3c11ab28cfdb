import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inspect } from 'node:util';

import { TollwayError } from '../dist/index.js';
import { MASTER_KEY, openFile, stopMock } from './support.js';

after(stopMock);

const SECRETS = [MASTER_KEY, 'sk-inspected', 'tk-inspected', 'sk-inspe'];

/** Checks that nothing that Node can show of a value has a secret in it. */
function showsNoSecret(value: unknown): void {
  const shown = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    String(value),
    JSON.stringify(value) ?? '',
    value instanceof Error ? (value.stack ?? '') : '',
  ];
  for (const text of shown) {
    for (const secret of SECRETS) {
      assert.ok(!text.includes(secret), `${secret} stands in ${text.slice(0, 500)}`);
    }
  }
}

test('nothing that Node can show of a handle, a config or an error has a secret in it', async (context) => {
  const { tw, mock } = await openFile(context);
  const config = await tw.models.add('openai/inspected', {
    apiKey: 'sk-inspected',
    baseUrl: await mock.script('echo', [{ status: 401, body: { error: { message: 'wrong key sk-inspected' } } }]),
    params: { headers: { 'x-gateway-token': 'tk-inspected' } },
    prices: {},
  });
  showsNoSecret(tw);
  showsNoSecret(config);
  showsNoSecret(await tw.models.list());
  showsNoSecret(tw.fetch());
  await assert.rejects(tw.chat('Hi', { model: 'openai/inspected' }), (error: unknown) => {
    assert.ok(error instanceof TollwayError);
    showsNoSecret(error);
    return true;
  });
  await assert.rejects(tw.models.add('openai/inspected', { apiKey: 'sk-inspected\n\u0000x' }), (error: unknown) => {
    showsNoSecret(error);
    return true;
  });
});
