/** Models of the AI SDK over an open file: `tollway(tw)('openai/gpt-4o-mini')`. */

export { tollway, type TollwayProvider, type TollwayProviderSettings } from './provider.js';
export type { TollwayCallOptions } from './options.js';
