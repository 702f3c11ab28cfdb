/** The packages, as they are published, install without a network and work from both kinds of modules. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { MASTER_KEY, mockProvider, PACKAGE, runFile, stopMock } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'tollway-install-'));
const tsc = join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc');

const PROGRAM = `
async function main() {
  const [, , path, masterKey, baseUrl] = process.argv;
  const tw = await Tollway.open(path, { masterKey });
  const price = { unitPrice: '1', unit: 'per_token', currency: 'USD' } as const;
  const prices = { input_token: price, output_token: price };
  await tw.models.add('openai/' + kind, { apiKey: 'k', baseUrl, prices });
  const reply = await tw.chat('Hi', { model: 'openai/' + kind });
  let text = '';
  for await (const event of tw.chatStream('Hi', { model: 'openai/' + kind })) {
    text += event.text;
  }
  try {
    await tw.chat([]);
  } catch (error) {
    text += error instanceof TollwayError;
  }
  console.log(kind, reply.cost, text);
}
main();
`;
const PROGRAMS = {
  'esm.mts': `import { Tollway, TollwayError } from 'tollway';\nconst kind = 'esm';\n${PROGRAM}`,
  'cjs.cts': `import tollway = require('tollway');\nconst { Tollway, TollwayError } = tollway;\nconst kind = 'cjs';\n${PROGRAM}`,
  'both.mts': `
    import { createRequire } from 'node:module';
    import { Tollway } from 'tollway';
    console.log(createRequire(import.meta.url)('tollway').Tollway === Tollway);
  `,
};

before(() => {
  const script = join(PACKAGE, 'scripts', 'pack.mjs');
  const packages = execFileSync(process.execPath, [script, folder], { encoding: 'utf8' }).trim().split('\n');
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const install = [
    'install',
    '--offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packages,
  ];
  execFileSync('npm', install, { cwd: folder });
});

after(async () => {
  await stopMock();
  rmSync(folder, { recursive: true, force: true });
});

test('the packages hold what they need, and nothing else', () => {
  const installed = join(folder, 'node_modules', 'tollway');
  for (const path of [
    'README.md',
    'LICENSE',
    'LICENSE-MIT',
    'dist/index.js',
    'dist/index.mjs',
    'dist/index.d.ts',
    'dist/index.d.mts',
  ]) {
    assert.ok(existsSync(join(installed, path)), path);
  }
  assert.ok(!existsSync(join(installed, 'src')) && !existsSync(join(installed, 'test')));
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.equal(manifest.scripts, undefined);
  const platforms = Object.entries<string>(manifest.optionalDependencies);
  assert.ok(platforms.length >= 6 && platforms.every(([, version]) => version === manifest.version));
  // Nobody else can publish a name of the scope.
  assert.ok(platforms.every(([name]) => name.startsWith('@tollway/')));
});

test('programs of both kinds of modules have their types, and run', async () => {
  for (const [name, source] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, name), source);
  }
  const options = [
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--typeRoots',
    join(PACKAGE, 'node_modules', '@types'),
  ];
  const checked = spawnSync(process.execPath, [tsc, ...options, '--types', 'node', ...Object.keys(PROGRAMS)], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(checked.status, 0, checked.stdout);
  const { baseUrl } = await mockProvider();
  for (const [kind, file] of [
    ['esm', 'esm.mjs'],
    ['cjs', 'cjs.cjs'],
  ] as const) {
    const ended = await runFile(join(folder, file), [join(folder, 'app.tollway'), MASTER_KEY, baseUrl]);
    assert.deepEqual([ended.code, ended.output], [0, `${kind} 4 You said: Hitrue\n`], ended.errors);
  }
  assert.equal((await runFile(join(folder, 'both.mjs'), [])).output, 'true\n');
});

test('the command is installed', () => {
  const command = join(folder, 'node_modules', '.bin', 'tollway');
  assert.match(execFileSync(command, ['--help'], { encoding: 'utf8' }), /tollway/);
});

test('a missing native module is named, and what to install', async () => {
  const installed = join(folder, 'node_modules');
  const alone = mkdtempSync(join(tmpdir(), 'tollway-alone-'));
  try {
    execFileSync('cp', ['-r', join(installed, 'tollway'), alone]);
    writeFileSync(join(alone, 'program.js'), `require('./tollway');`);
    const ended = await runFile(join(alone, 'program.js'), []);
    assert.notEqual(ended.code, 0);
    assert.match(ended.errors, /npm install @tollway\/\w+-\w+/);
  } finally {
    rmSync(alone, { recursive: true, force: true });
  }
});

test('the AI SDK’s provider loads without the AI SDK, whose errors nobody asks for then', () => {
  const source = `
    import { createRequire } from 'node:module';
    import { ClosedError, Tollway } from 'tollway';
    import { tollway } from 'tollway/ai-sdk';
    const tw = await Tollway.open('lacking.tollway', { masterKey: '${MASTER_KEY}' });
    await tw.close();
    const prompt = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }];
    const error = await tollway(tw)().doGenerate({ prompt }).catch((reason) => reason);
    const isSame = createRequire(import.meta.url)('tollway/ai-sdk').tollway === tollway;
    console.log(error instanceof ClosedError, isSame);
  `;
  writeFileSync(join(folder, 'lacking.mjs'), source);
  const ended = spawnSync(process.execPath, ['lacking.mjs'], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([ended.stdout, ended.stderr], ['true true\n', '']);
});
