/** A program that a bundler made one file of runs in a folder that has the native module and nothing else. */

import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';

import { build } from 'esbuild';

import { platformName } from '../dist/platform.js';
import { MASTER_KEY, mockProvider, PACKAGE, runFile, stopMock } from './support.js';

after(stopMock);

const MODULE = `tollway.${platformName()}.node`;
const PROGRAM = `
async function main() {
  const [, , path, masterKey, baseUrl] = process.argv;
  const tw = await Tollway.open(path, { masterKey });
  const price = { unitPrice: '1', unit: 'per_token', currency: 'USD' };
  await tw.models.add('openai/m', { apiKey: 'k', baseUrl, prices: { input_token: price, output_token: price } });
  const { text, cost } = await tw.chat('Hi', { model: 'openai/m' });
  const failed = await tw.chat([]).catch((error) => error instanceof TollwayError);
  console.log(text, cost, failed);
  await tw.close();
}
main();
`;
const IMPORTED = `import { Tollway, TollwayError } from 'tollway';\n${PROGRAM}`;
const REQUIRED = `const { Tollway, TollwayError } = require('tollway');\n${PROGRAM}`;

/** Bundles a program in one folder, and returns the path of the bundle in another one. */
async function bundle(context: TestContext, source: string, format: 'esm' | 'cjs'): Promise<string> {
  const made = (): string => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tollway-bundle-')));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  const [from, to] = [made(), made()];
  mkdirSync(join(from, 'node_modules'));
  symlinkSync(PACKAGE, join(from, 'node_modules', 'tollway'));
  writeFileSync(join(from, 'program.js'), source);
  const outfile = join(to, 'out', format === 'esm' ? 'program.mjs' : 'program.cjs');
  const options = { entryPoints: [join(from, 'program.js')], outfile, format };
  const { errors } = await build({ ...options, bundle: true, minify: true, platform: 'node', logLevel: 'silent' });
  assert.deepEqual(errors, []);
  return outfile;
}

for (const [way, source, format] of [
  ['import in a bundle for import', IMPORTED, 'esm'],
  ['require in a bundle for import', REQUIRED, 'esm'],
  ['import in a bundle for require', IMPORTED, 'cjs'],
  ['require in a bundle for require', REQUIRED, 'cjs'],
] as const) {
  test(`${way} makes calls, with the native module beside it or in its package`, async (context) => {
    const program = await bundle(context, source, format);
    const { baseUrl } = await mockProvider();
    const folder = join(program, '..');
    const run = (name: string) => runFile(program, [join(folder, `${name}.tollway`), MASTER_KEY, baseUrl]);

    const lacking = await run('lacking');
    assert.notEqual(lacking.code, 0);
    assert.match(lacking.errors, /npm install @tollway\/\w+-\w+.*beside it/);

    const installed = join(folder, '..', 'node_modules', '@tollway', platformName());
    mkdirSync(installed, { recursive: true });
    copyFileSync(join(PACKAGE, MODULE), join(installed, MODULE));
    writeFileSync(join(installed, 'package.json'), JSON.stringify({ main: MODULE }));
    const inPackage = await run('package');
    assert.deepEqual([inPackage.code, inPackage.output], [0, 'You said: Hi 4 true\n'], inPackage.errors);

    renameSync(join(installed, MODULE), join(folder, MODULE));
    rmSync(join(folder, '..', 'node_modules'), { recursive: true });
    const beside = await run('beside');
    assert.deepEqual([beside.code, beside.output], [0, 'You said: Hi 4 true\n'], beside.errors);
  });
}
