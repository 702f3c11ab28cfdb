// Puts the native module that cargo built into the package's folder, where a checkout finds it.
//
// Usage: node scripts/native.mjs FOLDER, the folder of cargo's profile, such as ../target/debug

import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { currentPlatform, libraryName, packageFolder } from './platform.mjs';

const platform = currentPlatform();
const target = join(packageFolder, `tollway.${platform}.node`);
const fresh = `${target}.${process.pid}`;
// A program that has the old file loaded keeps it; overwriting the file in place would crash that program.
copyFileSync(join(process.argv[2], libraryName(platform)), fresh);
renameSync(fresh, target);
