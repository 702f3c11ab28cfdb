/** Copies, and exports, of files: what is done to files that nobody has open. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';

import {
  CorruptedFileError,
  InvalidRequestError,
  NotATollwayFileError,
  NotFoundError,
  StorageError,
  Tollway,
  WrongMasterKeyError,
} from '../dist/index.js';
import { MASTER_KEY, openFile, records, stopMock } from './support.js';

after(stopMock);

test('a copy is restored and made smaller without a handle', async (context) => {
  const { tw, path } = await openFile(context);
  const [copy, again] = [`${path}.copy`, `${path}.again`];
  await tw.chat('Hi', { user: 'alice' });
  await tw.backup(copy);
  assert.equal(await Tollway.restore(copy, again), undefined);
  await assert.rejects(Tollway.restore(copy, again), StorageError);
  await assert.rejects(Tollway.restore(`${path}.nothing`, `${path}.other`), NotFoundError);
  await assert.rejects(Tollway.restore(process.execPath, `${path}.other`), NotATollwayFileError);
  await assert.rejects(Tollway.restore(7 as never, again), InvalidRequestError);
  await assert.rejects(Tollway.compact(path), /open elsewhere|locked/);
  await assert.rejects(Tollway.compact(`${path}.nothing`), NotFoundError);
  const { bytesBefore, bytesAfter } = await Tollway.compact(again);
  assert.equal(bytesAfter, statSync(again).size);
  assert.ok(bytesAfter <= bytesBefore);
  await using restored = await Tollway.open(again, { masterKey: MASTER_KEY, create: false });
  assert.deepEqual(
    (await records(restored)).map(({ user }) => user),
    ['alice'],
  );
});

test('everything is exported and imported', async (context) => {
  const { tw, path } = await openFile(context);
  const [plain, sealed, again] = [`${path}.jsonl`, `${path}.sealed`, `${path}.again`];
  const reply = await tw.chat('Hi', { user: 'alice' });
  const exported = await tw.export(plain);
  assert.deepEqual([exported.records, exported.withoutSecrets.length], [1, 4]);
  const text = readFileSync(plain, 'utf8');
  const lines = text.trimEnd().split('\n');
  assert.equal(lines.length, exported.rows + 2);
  await assert.rejects(tw.export(plain), StorageError);
  const passphrase = 'three rivers at dawn';
  assert.deepEqual((await tw.export(sealed, { passphrase })).withoutSecrets, []);

  const wrong = Tollway.importFile(sealed, again, { masterKey: MASTER_KEY, passphrase: 'two rivers at dawn' });
  await assert.rejects(wrong, WrongMasterKeyError);
  await assert.rejects(Tollway.importFile(plain, again, { masterKey: MASTER_KEY, passphrase }), InvalidRequestError);
  writeFileSync(`${path}.cut`, `${lines.slice(0, 5).join('\n')}\n`);
  await assert.rejects(
    Tollway.importFile(`${path}.cut`, again, { masterKey: MASTER_KEY }),
    (error: unknown) => error instanceof CorruptedFileError && error.message.includes('line 6 of'),
  );
  assert.ok(!existsSync(again));
  const imported = await Tollway.importFile(sealed, again, { masterKey: MASTER_KEY, passphrase });
  assert.deepEqual([imported.rows, imported.records, imported.withoutSecrets], [exported.rows, 1, []]);
  await using other = await Tollway.open(again, { masterKey: MASTER_KEY, create: false });
  assert.deepEqual(await records(other), await records(tw));
  assert.equal((await other.verify()).damage.length, 0);
  assert.equal((await other.chat('Hi', { user: 'alice' })).cost, reply.cost);
});
