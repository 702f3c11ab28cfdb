/** What the types refuse: the compiler reads this file, and fails if one of the lines is no error any more. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ChatReply, Message, Tollway, UsageRecord } from '../dist/index.js';

/** Never called. */
export async function refused(tw: Tollway, reply: ChatReply, record: UsageRecord): Promise<void> {
  // @ts-expect-error an option has one name
  await tw.chat('Hi', { max_tokens: 5 });
  // @ts-expect-error a role that there is not
  await tw.chat([{ role: 'teacher', content: 'Hi' }]);
  // @ts-expect-error a stream has a method of its own
  await tw.chat('Hi', { stream: true });
  // @ts-expect-error a window that there is not
  await tw.budgets.set({ limit: '5', currency: 'USD', window: 'fortnight' });
  // @ts-expect-error a meter that there is not
  await tw.prices.set('openai/m', { input: { unitPrice: '1', unit: 'per_token', currency: 'USD' } });
  // @ts-expect-error a unit that there is not
  await tw.prices.set('openai/m', { input_token: { unitPrice: '1', unit: 'per_word', currency: 'USD' } });
  // @ts-expect-error results are not changed
  reply.text = 'other';
  // @ts-expect-error an amount is a text
  const amount: number = record.costAmount;
  // @ts-expect-error an amount may be missing
  const present: string = record.costAmount;
  const again: Message[] = reply.choices.map(({ message }) => message);
  await tw.chat([...again, { role: 'user', content: `${amount} ${present}` }]);
}

test('wrong uses of the types are errors of the compiler', () => {
  assert.equal(typeof refused, 'function');
});
