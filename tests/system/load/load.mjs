// Makes calls from a cluster of four workers, and says what became of each: one of the three loads of a shared file.
//
// `load.mjs FILE GO USER CALLS TASKS`: each worker opens the file for itself. Once the file GO is there, it makes CALLS
// calls, TASKS at a time, billed to USER-N; every other one is a request of OpenAI's format to `fetch`. It writes
// `USER-N ready`, then for each call `USER-N reply RECORD_UID COST` or `USER-N refused CODE`.

import cluster from 'node:cluster';
import { existsSync, writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { Tollway, TollwayError } from '../../../node/dist/index.mjs';

const WORKERS = 4;
const [file, go, name, calls, tasks] = process.argv.slice(2);

if (cluster.isPrimary) {
  cluster.on('exit', (worker, code, signal) => {
    if (code !== 0) {
      console.error(`worker ${worker.id} ended with ${signal ?? code}`);
      process.exitCode = 1;
    }
  });
  for (let number = 0; number < WORKERS; number += 1) {
    cluster.fork();
  }
} else {
  const user = `${name}-${cluster.worker.id}`;
  const say = (what) => writeSync(1, `${user} ${what}\n`);
  const tw = await Tollway.open(file, { masterKey: 'env:TOLLWAY_TEST_KEY' });
  const fetch = tw.fetch({ user });
  let left = Number(calls);

  const chat = async () => {
    try {
      const reply = await tw.chat('name some rivers', { user, maxTokens: 16 });
      say(`reply ${reply.attempts.at(-1).recordUid} ${reply.cost}`);
    } catch (error) {
      if (!(error instanceof TollwayError)) {
        throw error;
      }
      say(`refused ${error.code}`);
    }
  };
  const request = async () => {
    const messages = [{ role: 'user', content: 'name some rivers' }];
    const body = JSON.stringify({ model: 'openai/mock-words-8', messages, max_tokens: 16 });
    const response = await fetch('https://api.openai.com/v1/chat/completions', { method: 'POST', body });
    const answer = await response.json();
    say(
      response.ok
        ? `reply ${answer.tollway.attempts.at(-1).record_uid} ${answer.tollway.cost}`
        : `refused ${answer.error.code}`,
    );
  };
  const task = async () => {
    while (left > 0) {
      left -= 1;
      await (left % 2 === 0 ? chat() : request());
    }
  };

  say('ready');
  while (!existsSync(go)) {
    await setTimeout(2);
  }
  await Promise.all(Array.from({ length: Number(tasks) }, task));
  await tw.close();
  // The channel to the primary alone would keep the worker alive.
  cluster.worker.disconnect();
}
