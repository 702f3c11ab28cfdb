/** Signals that stop calls. One signal may stop many, and gets one listener of ours: Node warns of more than ten. */

interface Listening {
  readonly listeners: Set<() => void>;
  readonly onAbort: () => void;
}

const listening = new WeakMap<AbortSignal, Listening>();

/** Calls a function once when a signal fires. */
export function listen(signal: AbortSignal, listener: () => void): void {
  let entry = listening.get(signal);
  if (entry === undefined) {
    const listeners = new Set<() => void>();
    const onAbort = (): void => {
      listening.delete(signal);
      for (const each of listeners) {
        each();
      }
    };
    entry = { listeners, onAbort };
    listening.set(signal, entry);
    signal.addEventListener('abort', onAbort, { once: true });
  }
  entry.listeners.add(listener);
}

/** Takes a function back that is not to be called any more. */
export function unlisten(signal: AbortSignal, listener: () => void): void {
  const entry = listening.get(signal);
  if (entry?.listeners.delete(listener) === true && entry.listeners.size === 0) {
    listening.delete(signal);
    signal.removeEventListener('abort', entry.onAbort);
  }
}

/** Returns whether something is an `AbortSignal`, also one of another realm or of a library. */
export function isSignal(value: unknown): value is AbortSignal {
  const signal = value as Partial<AbortSignal> | null;
  return (
    typeof signal === 'object' && typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function'
  );
}
