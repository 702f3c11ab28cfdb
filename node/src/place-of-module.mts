/** Tells where the package is, before its other modules are evaluated, where only an ES module knows. */

import { place } from './place.js';

const { url } = import.meta as { readonly url?: string };
// A bundle for `require` has no address.
if (url !== undefined) {
  place.url = url;
}
