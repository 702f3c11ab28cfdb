#!/usr/bin/env node
/** The `tollway` command, as the package installs it. */

import { native } from './native.js';

process.exitCode = native.cli(['tollway', ...process.argv.slice(2)]);
