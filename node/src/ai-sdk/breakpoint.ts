/** Cache breakpoints, as providers of the AI SDK ask for them. */

import type { SharedV4ProviderOptions } from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import type { CacheControl } from '../types.js';

/** Returns the cache breakpoint that options ask for, as Tollway's or as Anthropic's. */
export function breakpoint(options: SharedV4ProviderOptions | undefined): { cache_control?: CacheControl } {
  const asked = options?.['tollway']?.['cacheControl'] ?? options?.['anthropic']?.['cacheControl'];
  return asked === undefined || asked === null ? {} : { cache_control: asked as unknown as CacheControl };
}
