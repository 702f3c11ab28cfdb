/** What all nouns of an open file share. */

import type { Results } from './decode.js';
import type { Engine } from './engine.js';

/** Holds the methods of one noun. */
export class Noun {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @internal */
  protected async run<Verb extends keyof Results>(
    verb: Verb,
    values: Readonly<Record<string, unknown>>,
  ): Promise<Results[Verb]> {
    return this.#engine.run(verb, values);
  }
}
