"""Streams: one that is read to its end, and one that is left early and billed all the same."""

import os
import sys
import tempfile

import tollway

api_key = os.environ.get("OPENAI_API_KEY")
if not api_key:
    sys.exit("Set OPENAI_API_KEY to a key of yours. OPENAI_BASE_URL may name another server of its format.")

with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/app.tollway"
    with tollway.open(path, master_key="a passphrase of yours") as tw:
        tw.models.set("openai/gpt-4o-mini", api_key=api_key, base_url=os.environ.get("OPENAI_BASE_URL"), default=True)

        with tw.chat.stream("Name three seas.", user="alice") as stream:
            for event in stream:
                print(event.text, end="", flush=True)
        print()
        # The last event comes once the cost is in the file.
        if stream.reply:
            print(f"cost: {stream.reply.cost:f} {stream.reply.currency}")

        heard = ""
        with tw.chat.stream("Tell me a long story.", user="alice") as story:
            for event in story:
                print(event.text, end="", flush=True)
                heard += event.text
                if len(heard) > 20:
                    # Leaving the block closes the connection; by default what arrived is billed.
                    break
        print(" ... enough")

    # Closing the file waited for the bill of the stream that was left.
    with tollway.open(path, master_key="a passphrase of yours") as tw:
        for record in tw.usage.records():
            print(f"{record.status}: {record.usage.input_tokens} tokens in, {record.usage.output_tokens} out", end=", ")
            print(f"{record.cost_amount:f} {record.currency}, {record.cost_status}, by {record.billed_by}")
