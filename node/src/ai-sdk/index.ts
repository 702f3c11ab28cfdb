/** Models of the AI SDK over an open file: `createTollway(tw)('openai/gpt-4o-mini')`. */

export { createTollway, type TollwayProvider, type TollwayProviderSettings } from './provider.js';
export type { TollwayCallOptions } from './options.js';
