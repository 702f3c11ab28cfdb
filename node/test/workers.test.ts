import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { eventually, MASTER_KEY, openFile, PACKAGE, records, runProgram, sleep, stopMock } from './support.js';

after(stopMock);

const LOAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { Tollway } = require(workerData.module);
`;
const OPEN = `${LOAD}
  const opening = Tollway.open(workerData.path, { masterKey: workerData.masterKey, maxRetries: 0 });
`;
const CALLS = `${OPEN}
  opening.then(async (tw) => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => tw.chat('Hi', { user: 'worker' })));
    let text = '';
    for await (const event of tw.chatStream('one two three', { user: 'worker' })) text += event.text;
    parentPort.postMessage({ texts: replies.map((reply) => reply.text), text });
  });
`;
const UNDER_WAY = `${OPEN}
  opening.then((tw) => {
    tw.chat('Hi', { model: 'openai/slow', user: 'left' }).catch(() => undefined);
    const stream = tw.chatStream('Hi', { model: 'openai/slow', user: 'left' });
    setTimeout(() => parentPort.postMessage(stream.reply), 300);
  });
`;
const ENDS_ITSELF = `${OPEN}
  opening.then((tw) => {
    tw.chat('Hi', { model: 'openai/slow', user: 'ended' }).catch(() => undefined);
    setTimeout(() => process.exit(0), 300);
  });
`;

function start(source: string, path: string): Worker {
  const workerData = { module: join(PACKAGE, 'dist', 'index.js'), path, masterKey: MASTER_KEY };
  return new Worker(source, { eval: true, workerData });
}

function exitOf(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', resolve);
  });
}

function messageOf<Message>(worker: Worker): Promise<Message> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', resolve);
  });
}

test('worker threads open the file for themselves, and end by themselves', async (context) => {
  const { tw, path } = await openFile(context);
  const workers = Array.from({ length: 4 }, () => start(CALLS, path));
  const exits = workers.map(exitOf);
  const messages = await Promise.all(workers.map((worker) => messageOf<{ texts: string[]; text: string }>(worker)));
  for (const { texts, text } of messages) {
    assert.deepEqual([new Set(texts), text], [new Set(['You said: Hi']), 'You said: one two three']);
  }
  assert.deepEqual(await Promise.all(exits), [0, 0, 0, 0]);
  assert.equal((await records(tw, { user: 'worker' })).length, 4 * 21);
  assert.equal((await tw.chat('Hi')).text, 'You said: Hi', 'the main thread goes on');
});

test('terminating a worker thread cancels its calls', async (context) => {
  const { tw, path } = await openFile(context);
  const worker = start(UNDER_WAY, path);
  await messageOf(worker);
  await worker.terminate();
  const found = await eventually(async () => {
    const left = await records(tw, { user: 'left' });
    return left.length === 2 ? left : null;
  });
  assert.deepEqual(
    found.map(({ status }) => status),
    ['cancelled', 'cancelled'],
  );
  assert.equal((await tw.chat('Hi')).text, 'You said: Hi');
});

test('a worker thread that ends has settled what it began', async (context) => {
  const { tw, path } = await openFile(context);
  assert.equal(await exitOf(start(ENDS_ITSELF, path)), 0);
  const [record, ...others] = await records(tw, { user: 'ended' });
  assert.deepEqual([record?.status, others.length], ['cancelled', 0]);
});

test('threads come and go while calls finish', async (context) => {
  const { path, tw } = await openFile(context);
  for (let round = 0; round < 5; round += 1) {
    const workers = Array.from({ length: 4 }, () => start(CALLS, path));
    await sleep(round * 40);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  assert.equal((await tw.chat('Hi')).text, 'You said: Hi');
});

test('a thread that alone loaded the package may end without a crash', async (context) => {
  const { path } = await openFile(context);
  const source = `
    const { Worker } = require('node:worker_threads');
    const workerData = ${JSON.stringify({ module: join(PACKAGE, 'dist', 'index.js'), path, masterKey: MASTER_KEY })};
    const next = (rounds) => {
      if (rounds === 0) return console.log('ended');
      new Worker(${JSON.stringify(CALLS)}, { eval: true, workerData }).once('exit', (code) => {
        if (code !== 0) process.exit(9);
        setTimeout(next, 100, rounds - 1);
      });
    };
    next(3);
  `;
  const ended = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([ended.status, ended.signal, ended.stdout], [0, null, 'ended\n'], ended.stderr);
});

test('processes of a cluster share the file', async (context) => {
  const { tw, path } = await openFile(context);
  const source = `
    const cluster = require('node:cluster');
    const [path, masterKey] = process.argv.slice(1);
    if (cluster.isPrimary) {
      cluster.setupPrimary({ execArgv: [], exec: ${JSON.stringify(join(__dirname, 'cluster-worker.js'))}, args: [path, masterKey] });
      tollway.Tollway.open(path, { masterKey }).then(async (tw) => {
        const codes = await Promise.all(Array.from({ length: 3 }, () => new Promise((resolve) => {
          cluster.fork().once('exit', resolve);
        })));
        await tw.chat('Hi', { user: 'cluster' });
        console.log(JSON.stringify(codes));
      });
    }
  `;
  const ended = await runProgram(source, [path, MASTER_KEY]);
  assert.deepEqual([ended.code, ended.output], [0, '[0,0,0]\n'], ended.errors);
  assert.equal((await records(tw, { user: 'cluster' })).length, 3 * 10 + 1);
});
