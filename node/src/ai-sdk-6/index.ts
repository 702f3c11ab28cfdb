/** Models of the AI SDK 6 over an open file: `tollway(tw)('openai/gpt-4o-mini')`. */

export { tollway, type TollwayProvider } from './provider.js';
export type { TollwayCallOptions, TollwayProviderSettings } from '../ai-sdk/settings.js';
