"""A budget: a call that could pass the cap is refused before it is sent; what was spent is exact."""

import os
import sys
import tempfile

import tollway

api_key = os.environ.get("OPENAI_API_KEY")
if not api_key:
    sys.exit("Set OPENAI_API_KEY to a key of yours. OPENAI_BASE_URL may name another server of its format.")

with (
    tempfile.TemporaryDirectory() as folder,
    tollway.open(f"{folder}/app.tollway", master_key="a passphrase of yours") as tw,
):
    tw.models.set("openai/gpt-4o-mini", api_key=api_key, base_url=os.environ.get("OPENAI_BASE_URL"), default=True)
    tw.budgets.set(user="alice", limit="0.001", currency="USD", window="month")

    # The most that a call can cost is held while it runs; then it is settled at what it did cost.
    reply = tw.chat("Name three hills.", user="alice", max_tokens=100)
    print(f"{reply.text} for {reply.cost:f} {reply.currency}")

    try:
        tw.chat("Write a novel.", user="alice", max_tokens=10_000)
    except tollway.BudgetExceededError as error:
        print(f"{error.code}: {error.detail}")

    # Another user's calls are not capped.
    print(tw.chat("Write a haiku.", user="bob").text)

    budget = tw.budgets.list()[0]
    print(
        f"settled {budget.settled:f}, reserved {budget.reserved:f}, remaining {budget.remaining:f} of {budget.limit:f}"
    )
    records = tw.usage.records(user="alice")
    spent = sum(record.cost_amount for record in records if record.cost_amount is not None)
    print(f"alice's {len(records)} record adds up to {spent:f}: {'exact' if spent == budget.settled else 'wrong'}")
