/** Files of a prompt as parts of a message's content. */

import type { SharedV4FileData, SharedV4ProviderOptions } from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

import { invalid } from '../errors.js';
import type { Content } from '../types.js';
import { breakpoint } from './breakpoint.js';

/** A part of a message's content. */
export type ContentPart = Exclude<Content, string>[number];

interface File {
  readonly data: SharedV4FileData;
  readonly mediaType: string;
  readonly filename?: string;
}

/** How files of images begin, for those whose type was not told. */
const SIGNATURES: readonly (readonly [mediaType: string, start: RegExp])[] = [
  ['image/png', /^\x89PNG/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8/],
  ['image/webp', /^RIFF....WEBP/s],
];
const AUDIO_FORMATS: Readonly<Record<string, string>> = { mpeg: 'mp3', 'x-wav': 'wav', wave: 'wav', 'vnd.wave': 'wav' };

/** Makes the part of a file: an image, a sound, a text, or a document of another kind. */
export function filePart(file: File, options?: SharedV4ProviderOptions): ContentPart {
  const { data } = file;
  const [kind = '', subtype = '*'] = file.mediaType.split(';', 1)[0]?.split('/') ?? [];
  const cache = breakpoint(options);
  if (data.type === 'text') {
    return { type: 'text', text: data.text, ...cache };
  }
  if (data.type === 'reference') {
    const [id, ...others] = Object.values(data.reference);
    if (id === undefined || others.length > 0) {
      throw invalid('a file by reference must name one provider, whose id it is; give the one whose model is asked');
    }
    return document({ file_id: id }, file.filename, cache);
  }
  if (kind === 'image') {
    const url =
      data.type === 'url' ? addressOf(data) : `data:${imageType(subtype, data.data)};base64,${base64(data.data)}`;
    const detail = options?.['tollway']?.['imageDetail'] ?? options?.['openai']?.['imageDetail'];
    const asked = detail === undefined ? {} : { detail: detail as 'low' | 'high' | 'auto' };
    return { type: 'image_url', image_url: { url, ...asked }, ...cache };
  }
  if (data.type === 'url') {
    return document({ file_data: addressOf(data) }, file.filename, cache);
  }
  if (kind === 'audio') {
    return { type: 'input_audio', input_audio: { data: base64(data.data), format: AUDIO_FORMATS[subtype] ?? subtype } };
  }
  if (kind === 'text') {
    const bytes = typeof data.data === 'string' ? Buffer.from(data.data, 'base64') : data.data;
    return { type: 'text', text: new TextDecoder().decode(bytes), ...cache };
  }
  if (subtype === '*') {
    throw invalid(`a file of the type "${file.mediaType}" must name its whole type, such as application/pdf`);
  }
  return document({ file_data: `data:${file.mediaType};base64,${base64(data.data)}` }, file.filename, cache);
}

function document(
  file: { readonly file_data: string } | { readonly file_id: string },
  filename: string | undefined,
  cache: ReturnType<typeof breakpoint>,
): ContentPart {
  return { type: 'file', file: { ...file, ...(filename === undefined ? {} : { filename }) }, ...cache };
}

function addressOf(data: Extract<SharedV4FileData, { type: 'url' }>): string {
  return data.originalUrl ?? data.url.href;
}

function imageType(subtype: string, data: Uint8Array | string): string {
  if (subtype !== '*') {
    return `image/${subtype}`;
  }
  const start = Buffer.from(base64(data).slice(0, 16), 'base64').toString('latin1');
  const found = SIGNATURES.find(([, signature]) => signature.test(start));
  if (found === undefined) {
    throw invalid('an image must name its type, such as image/png: it begins as none that is known');
  }
  return found[0];
}

function base64(data: Uint8Array | string): string {
  return typeof data === 'string'
    ? data
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}
