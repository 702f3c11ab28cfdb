// The platforms for which there is a package with the native module, and what cargo calls the module there.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageFolder = join(dirname(fileURLToPath(import.meta.url)), '..');
export const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));

export const platforms = {
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
  'darwin-x64': { os: 'darwin', cpu: 'x64' },
  'linux-arm64-gnu': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'linux-x64-gnu': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl' },
  'win32-x64-msvc': { os: 'win32', cpu: 'x64' },
};

/** Returns the name of the platform that runs this, of one of the keys above. */
export function currentPlatform() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'linux') {
    return `${base}-${process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`;
  }
  return process.platform === 'win32' ? `${base}-msvc` : base;
}

/** Returns the file name of the library that cargo builds for a platform. */
export function libraryName(platform) {
  if (platform.startsWith('win32')) {
    return 'tollway_node.dll';
  }
  return `libtollway_node.${platform.startsWith('darwin') ? 'dylib' : 'so'}`;
}
