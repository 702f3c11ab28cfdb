/** Prompts of the AI SDK 6 as those of its successor, which name how a file is given. */

import type {
  LanguageModelV3FilePart,
  LanguageModelV3Prompt,
  LanguageModelV3ToolResultOutput,
  LanguageModelV4FilePart,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
  SharedV3ProviderOptions,
  SharedV4FileData,
} from '@ai-sdk/provider' with { 'resolution-mode': 'import' };

type Given = Extract<LanguageModelV3ToolResultOutput, { type: 'content' }>['value'][number];
type Made = Extract<LanguageModelV4ToolResultOutput, { type: 'content' }>['value'][number];
type File = Extract<Made, { type: 'file' }>;

/** Makes the prompt. */
export function promptOf(prompt: LanguageModelV3Prompt): LanguageModelV4Prompt {
  return prompt.map((message) => {
    switch (message.role) {
      case 'system':
        return message;
      case 'user':
        return { ...message, content: message.content.map((part) => (part.type === 'file' ? filePart(part) : part)) };
      case 'assistant':
        return {
          ...message,
          content: message.content.map((part) => {
            switch (part.type) {
              case 'file':
                return filePart(part);
              case 'tool-result':
                return { ...part, output: outputOf(part.output) };
              default:
                return part;
            }
          }),
        };
      case 'tool':
        return {
          ...message,
          content: message.content.map((part) =>
            part.type === 'tool-result' ? { ...part, output: outputOf(part.output) } : part,
          ),
        };
    }
  });
}

function filePart(part: LanguageModelV3FilePart): LanguageModelV4FilePart {
  const { data, originalUrl, ...rest } = part as LanguageModelV3FilePart & { originalUrl?: string };
  const address = originalUrl === undefined ? {} : { originalUrl };
  return { ...rest, data: data instanceof URL ? { type: 'url', url: data, ...address } : { type: 'data', data } };
}

function outputOf(output: LanguageModelV3ToolResultOutput): LanguageModelV4ToolResultOutput {
  return output.type === 'content' ? { type: 'content', value: output.value.map(contentOf) } : output;
}

function contentOf(part: Given): Made {
  switch (part.type) {
    case 'text':
    case 'custom':
      return part;
    case 'file-data':
      return file({ type: 'data', data: part.data }, part.mediaType, part.providerOptions, part.filename);
    case 'image-data':
      return file({ type: 'data', data: part.data }, part.mediaType, part.providerOptions);
    case 'file-url':
      return file({ type: 'url', url: new URL(part.url) }, mediaTypeOf(part), part.providerOptions);
    case 'image-url':
      return file({ type: 'url', url: new URL(part.url) }, 'image/*', part.providerOptions);
    case 'file-id':
    case 'image-file-id': {
      const { fileId } = part;
      const reference = typeof fileId === 'string' ? { provider: fileId } : fileId;
      return file({ type: 'reference', reference }, 'application/octet-stream', part.providerOptions);
    }
  }
}

/** Not every release of the AI SDK 6 tells the type. */
function mediaTypeOf(part: { readonly type: string; readonly mediaType?: string }): string {
  return part.mediaType ?? 'application/octet-stream';
}

function file(
  data: SharedV4FileData,
  mediaType: string,
  providerOptions: SharedV3ProviderOptions | undefined,
  filename?: string,
): File {
  const named = filename === undefined ? {} : { filename };
  return { type: 'file', data, mediaType, ...named, ...(providerOptions === undefined ? {} : { providerOptions }) };
}
