"""The bill: totals by user and model, a statement of every record, and what the calls would cost at another price."""

import csv
import os
import sys
import tempfile

import tollway

anthropic_key = os.environ.get("ANTHROPIC_API_KEY")
openai_key = os.environ.get("OPENAI_API_KEY")
if not anthropic_key or not openai_key:
    sys.exit("Set ANTHROPIC_API_KEY and OPENAI_API_KEY; ANTHROPIC_BASE_URL and OPENAI_BASE_URL may name other servers.")

with (
    tempfile.TemporaryDirectory() as folder,
    tollway.open(f"{folder}/app.tollway", master_key="a passphrase of yours") as tw,
):
    tw.models.set("openai/gpt-4o-mini", api_key=openai_key, base_url=os.environ.get("OPENAI_BASE_URL"))
    claude = "anthropic/claude-haiku-4-5"
    tw.models.set(claude, api_key=anthropic_key, base_url=os.environ.get("ANTHROPIC_BASE_URL"))
    for user, model, question in [
        ("alice", "openai/gpt-4o-mini", "Name three rivers."),
        ("alice", claude, "Name three lakes of the north."),
        ("bob", claude, "Name a sea."),
    ]:
        tw.chat(question, model=model, user=user)

    for row in tw.usage.summary(by=["user", "model"]):
        # Amounts of two currencies are never added: there is a total for each.
        totals = ", ".join(f"{amount:f} {currency}" for currency, amount in row.totals.items())
        print(f"{row.group['user']}, {row.group['model']}: {row.calls} call for {totals}")

    print("\nThe statement:")
    statement = csv.writer(sys.stdout, lineterminator="\n")
    statement.writerow(["day", "user", "model", "input tokens", "output tokens", "amount", "currency"])
    for record in tw.usage.iterate():
        tokens = [record.usage.input_tokens, record.usage.output_tokens]
        cost = [f"{record.cost_amount:f}", record.currency]
        statement.writerow([record.created_at.date(), record.user, record.model, *tokens, *cost])

    print("\nWith output at 6.00 USD a million, and nothing written:")
    tw.prices.set(claude, {"output_token": {"unit_price": "6.00", "unit": "per_1m_tokens", "currency": "USD"}})
    report = tw.prices.rerate("2020-01-01", book="in_force_now")
    for line in report.lines:
        print(f"{line.model}: {line.new_cost:f} instead of {line.old_cost:f} {line.currency}")
    print(f"difference: {report.differences['USD']:f} USD")
