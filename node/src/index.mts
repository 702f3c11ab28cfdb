/** The same module for `import`: one implementation, so that there is one class of each name. */

export * from './index.js';
