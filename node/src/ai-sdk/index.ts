/** Models of the AI SDK over an open file: `tollway(tw)('openai/gpt-4o-mini')`. */

export { tollway, type TollwayProvider } from './provider.js';
export type { TollwayCallOptions, TollwayProviderSettings } from './settings.js';
