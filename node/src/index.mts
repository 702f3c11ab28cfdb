/** The same module for `import`: one implementation, so that there is one class of each name. */

import './place-of-module.mjs';

export * from './index.js';
