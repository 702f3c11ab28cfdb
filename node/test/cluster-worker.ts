/** What the processes of the cluster test run. */

import cluster from 'node:cluster';

import { Tollway } from '../dist/index.js';

async function main(): Promise<void> {
  const [path = '', masterKey = ''] = process.argv.slice(2);
  const tw = await Tollway.open(path, { masterKey });
  await Promise.all(Array.from({ length: 10 }, () => tw.chat('Hi', { user: 'cluster' })));
  cluster.worker?.disconnect();
}

void main();
