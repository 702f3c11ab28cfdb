// Runs the compiled tests, or those whose path contains one of the arguments. Node 20 takes files, and no patterns.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'build');
const wanted = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((name) => /\.test\.m?js$/.test(name) && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .map((name) => join(folder, name))
  .sort();
if (files.length === 0) {
  console.error(`no test in ${folder} is called like ${wanted.join(' or ')}`);
  process.exit(1);
}
// More files at once than cores would only make them wait for one another.
const ended = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], { stdio: 'inherit' });
process.exit(ended.status ?? 1);
