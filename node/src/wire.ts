/** What reading results needs whatever they are. */

/** An object of the engine, whose shape the engine's own tests and the conformance scenarios hold. */
// biome-ignore lint/suspicious/noExplicitAny: it is the text of another language that was parsed
export type Wire = Readonly<Record<string, any>>;

type Decoder<Value> = (value: Wire) => Value;

/** Returns what reads a list. */
export function listOf<Value>(decode: Decoder<Value>): (value: readonly Wire[]) => Value[] {
  return (value) => value.map(decode);
}

/** Reads what may be missing. */
export function orNull<Value>(value: Wire | null | undefined, decode: Decoder<Value>): Value | null {
  return value === null || value === undefined ? null : decode(value);
}

/** Reads a result that says nothing. */
export function nothing(): undefined {
  return undefined;
}
