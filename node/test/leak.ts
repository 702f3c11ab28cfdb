/**
 * Reads 10,000 streams, of which most are left early at random, and fails unless the memory stays flat after a warm-up.
 *
 * Run it with --expose-gc.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Tollway } from '../dist/index.js';
import { MASTER_KEY, MockProvider, PRICES, sleep } from './support.js';

const STREAMS = 10_000;
const WARM_UP = 5000;
const AT_ONCE = 32;
const ROUND = 1000;
const ALLOWED_GROWTH = 1.1;
const WORDS = 'one two three four five six seven eight nine ten';

/** Returns numbers from 0 to below 1 that are the same in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function memory(): Promise<number> {
  assert.ok(globalThis.gc, 'run it with --expose-gc');
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await sleep(20);
  }
  return process.memoryUsage.rss();
}

async function readOne(tw: Tollway, random: () => number): Promise<void> {
  const fate = random();
  const last = Math.floor(random() * 8);
  const controller = new AbortController();
  let place = 0;
  try {
    for await (const _event of tw.chatStream(WORDS, { user: 'reader', signal: controller.signal })) {
      if (place === last && fate < 0.4) {
        break;
      }
      if (place === last && fate < 0.6) {
        throw new RangeError('of the reader');
      }
      if (place === last && fate < 0.8) {
        controller.abort();
      }
      place += 1;
    }
  } catch (error) {
    assert.ok(error instanceof RangeError || (error as Error).name === 'AbortError', String(error));
  }
}

/**
 * Reads so many streams over a file of its own, which is closed at their end: an open file keeps the pages of its ledger in
 * memory, up to a limit that this many streams would not reach, so that its growth would look like a leak.
 */
async function readRound(mock: MockProvider, path: string, random: () => number): Promise<void> {
  const tw = await Tollway.open(path, { masterKey: MASTER_KEY, durability: 'relaxed' });
  await tw.models.add('openai/m', { apiKey: 'k', baseUrl: mock.baseUrl, prices: PRICES, default: true });
  let started = 0;
  const reader = async (): Promise<void> => {
    while (started < ROUND) {
      started += 1;
      await readOne(tw, random);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  await tw.close();
}

async function main(): Promise<void> {
  const mock = await MockProvider.start();
  const folder = mkdtempSync(join(tmpdir(), 'tollway-leak-'));
  const random = randomNumbers(7);
  const begin = performance.now();
  let warm = 0;
  try {
    for (let done = ROUND; done <= STREAMS; done += ROUND) {
      await readRound(mock, join(folder, `${done}.tollway`), random);
      const rss = await memory();
      const seconds = (performance.now() - begin) / 1000;
      console.log(`${done} streams, ${(rss / 2 ** 20).toFixed(1)} MiB, ${seconds.toFixed(1)} s`);
      if (done === WARM_UP) {
        warm = rss;
      }
      assert.ok(warm === 0 || rss < warm * ALLOWED_GROWTH, `the memory grew from ${warm} to ${rss} bytes`);
    }
  } finally {
    mock.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
