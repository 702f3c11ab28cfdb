/** Receipts as text. */

import { invalid } from './errors.js';
import { kindOf } from './names.js';
import type { Receipt, ReceiptLine } from './results.js';

const HEAD = ['attempt', 'model', 'meter', 'quantity', 'unit price', 'unit', 'times', 'amount', ''];
const TIMES = HEAD.indexOf('times');

/** Writes a receipt as a table: a row for each attempt and meter, and one for the total of each currency. */
export function formatReceipt(receipt: Receipt): string {
  const { lines, totals } = (receipt ?? {}) as Partial<Receipt>;
  if (!Array.isArray(lines) || typeof totals !== 'object') {
    throw invalid(`formatReceipt() takes the receipt of a reply, reply.receipt, not ${kindOf(receipt)}`);
  }
  let rows = [HEAD, ...receipt.lines.map(rowOf)];
  if (receipt.lines.every((line) => line.modifiers.length === 0)) {
    rows = rows.map((row) => row.toSpliced(TIMES, 1));
  }
  const width = rows[0]?.length ?? 0;
  const gap = new Array<string>(width - 3).fill('');
  for (const [currency, total] of Object.entries(receipt.totals)) {
    rows.push(['total', ...gap, total, currency]);
  }
  return table(rows, new Set([0, 3, 4, width - 2]));
}

function rowOf(line: ReceiptLine): string[] {
  const used = String(line.quantity);
  return [
    String(line.attempt),
    line.model,
    [line.meter, line.note ? `(${line.note})` : null].filter((part) => part).join(' '),
    line.billedQuantity === null ? used : `${used} as ${line.billedQuantity}`,
    line.unitPrice ?? '-',
    line.unit ?? '-',
    line.modifiers.map((modifier) => modifier.ratio).join(' x '),
    line.amount ?? 'unpriced',
    line.currency ?? '',
  ];
}

/** What a terminal obeys instead of showing it: control characters, directions of writing, separators of lines. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/gu;

/** Aligns the columns of rows; the columns named in `right` are set to the right. A cell shows itself only. */
function table(given: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const rows = given.map((row) => row.map((cell) => cell.replace(CONTROL, escaped)));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, lengthOf(cell));
    }
  }
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => {
      const padding = ' '.repeat((widths[column] ?? 0) - lengthOf(cell));
      return right.has(column) ? padding + cell : cell + padding;
    });
    return cells.join('  ').trimEnd();
  });
  return lines.join('\n');
}

/** Counts characters, of which some take two units of JavaScript's texts. */
function lengthOf(text: string): number {
  return [...text].length;
}

function escaped(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
