import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { PACKAGE } from './support.js';

function run(values: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  const command = [join(PACKAGE, 'dist', 'cli.js'), ...values];
  return spawnSync(process.execPath, command, { encoding: 'utf8', input, timeout: 60_000 });
}

test('the command prices usage', () => {
  const ended = run(['cost', 'openai/gpt-4o-mini', '--input-tokens', '1000000', '--at', '2026-06-01T00:00:00Z']);
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(ended.stdout, /0\.15/);
});

test('the command reads its standard input', () => {
  const line = '{"model":"openai/gpt-4o-mini","usage":{"input_token":1000000}}\n';
  const ended = run(['cost', '--jsonl'], line.repeat(3));
  assert.ok(ended.status === 0 || ended.status === 1, ended.stderr);
  assert.equal(ended.stdout.trim().split('\n').length, 3);
});

test('wrong arguments of the command say what to do', () => {
  const ended = run(['cost', '--no-such-option']);
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /no-such-option/);
});
