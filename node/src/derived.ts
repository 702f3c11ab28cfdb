/** What results say of themselves beside what the engine says. */

import type { Damage, PriceProposal } from './results.js';

const CHANGES = new Set(['added', 'changed', 'ended']);

/** Picks the proposals that applying writes. */
export function changesOf({ proposals }: { readonly proposals: readonly PriceProposal[] }): readonly PriceProposal[] {
  return proposals.filter(({ kind }) => CHANGES.has(kind));
}

/** Tells whether a check of the file found nothing wrong. */
export function isSound({ damage }: { readonly damage: readonly Damage[] }): boolean {
  return damage.length === 0;
}
