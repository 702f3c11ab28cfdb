"""One call: what the model said, what it consumed, and what that cost."""

import os
import sys
import tempfile

import tollway

api_key = os.environ.get("OPENAI_API_KEY")
if not api_key:
    sys.exit("Set OPENAI_API_KEY to a key of yours. OPENAI_BASE_URL may name another server of its format.")

# A real app names a file that stays, and takes the master key, which seals the API keys in it, from a safe place.
with (
    tempfile.TemporaryDirectory() as folder,
    tollway.open(f"{folder}/app.tollway", master_key="a passphrase of yours") as tw,
):
    # Prices that are not given come from the bundled catalog.
    tw.models.set("openai/gpt-4o-mini", api_key=api_key, base_url=os.environ.get("OPENAI_BASE_URL"), default=True)

    reply = tw.chat("Name three rivers.", user="alice", tags={"feature": "geography"})

    print(reply.text)
    print(f"model: {reply.model}")
    print(f"tokens: {reply.usage.input_tokens} in, {reply.usage.output_tokens} out")
    print(f"cost: {reply.cost:f} {reply.currency}, {reply.cost_status}")
    # Each amount is quantity times unit price, to the last digit; nothing is rounded.
    for line in reply.receipt.lines:
        print(f"  {line.meter}: {line.quantity} at {line.unit_price:f} {line.unit} is {line.amount:f} {line.currency}")
