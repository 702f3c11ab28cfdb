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

/** Reads a vector of 32-bit numbers, which are packed in Base64, the lowest byte first. */
export function vectorOf(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, place) => view.getFloat32(place * 4, true));
}

/** Reads a result that says nothing. */
export function nothing(): undefined {
  return undefined;
}
