// Makes the two packages that are published together: `tollway`, and the one with the native module of this platform.
//
// Usage: node scripts/pack.mjs FOLDER, after the package and its native module were built; prints the paths of both.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { currentPlatform, manifest, packageFolder, platforms } from './platform.mjs';

const target = resolve(process.argv[2] ?? '.');
const platform = currentPlatform();
if (!Object.hasOwn(platforms, platform)) {
  throw new Error(`there is no package for ${platform}: add it to scripts/platform.mjs`);
}
const staging = mkdtempSync(join(tmpdir(), 'tollway-pack-'));

/** Packs a folder of these files, and returns the path of the package. */
function pack(name, description, files) {
  const folder = join(staging, name);
  mkdirSync(folder, { recursive: true });
  for (const [path, source] of Object.entries(files)) {
    cpSync(source, join(folder, path), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
  const command = ['pack', '--json', '--loglevel=error', '--pack-destination', target];
  const [packed] = JSON.parse(execFileSync('npm', command, { cwd: folder, encoding: 'utf8' }));
  return join(target, packed.filename);
}

const licenses = Object.fromEntries(
  ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT'].map((name) => [name, join(packageFolder, '..', name)]),
);
const { devDependencies: _tools, scripts: _scripts, private: _private, ...published } = manifest;
const { version, license, repository, engines } = manifest;

try {
  mkdirSync(target, { recursive: true });
  // A checkout has no such dependencies: npm would look for packages there that this very version has not published yet.
  const optionalDependencies = Object.fromEntries(Object.keys(platforms).map((name) => [`@tollway/${name}`, version]));
  const main = pack(
    'tollway',
    { ...published, files: [...published.files, 'LICENSE-APACHE', 'LICENSE-MIT'], optionalDependencies },
    { dist: join(packageFolder, 'dist'), 'README.md': join(packageFolder, 'README.md'), ...licenses },
  );
  const library = `tollway.${platform}.node`;
  const native = pack(
    `@tollway/${platform}`,
    {
      name: `@tollway/${platform}`,
      version,
      description: `The native module of the package tollway for ${platform}.`,
      license,
      repository,
      engines,
      publishConfig: { access: 'public' },
      main: library,
      files: [library, 'LICENSE-APACHE', 'LICENSE-MIT'],
      os: [platforms[platform].os],
      cpu: [platforms[platform].cpu],
      ...(platforms[platform].libc === undefined ? {} : { libc: [platforms[platform].libc] }),
    },
    { [library]: join(packageFolder, library), ...licenses },
  );
  console.log(`${main}\n${native}`);
} finally {
  rmSync(staging, { recursive: true, force: true });
}
