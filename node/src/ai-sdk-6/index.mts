/** The same module for `import`. */

import '../place-of-module.mjs';

export * from './index.js';
