"""Shows Tollway in one run: three vendors, a fallback, streams, a budget that refuses, and the bill of it all.

Run it with `make demo`. The vendors are played by a local server, so no key and no network is needed. The ledger goes
into a temporary folder, or into a file that you name and that may hold earlier runs: `python quickstart.py FILE`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import mock_vendors
import tollway

MASTER_KEY = "a passphrase that seals the API keys in the file"


def per_million(input_price: str, output_price: str, currency: str) -> dict[str, dict[str, str]]:
    """Returns the prices of a million input tokens and of a million output tokens."""
    return {
        "input_token": {"unit_price": input_price, "unit": "per_1m_tokens", "currency": currency},
        "output_token": {"unit_price": output_price, "unit": "per_1m_tokens", "currency": currency},
    }


def money(amount: Decimal | None, currency: str | None) -> str:
    """Writes an amount in plain digits."""
    return "unpriced" if amount is None else f"{amount:f} {currency}"


def make_calls(path: Path, vendors: mock_vendors.Vendors) -> None:
    """Configures three models and calls them."""
    overloaded = {"status": 529, "automatic": True}
    slow_story = {"automatic": True, "text": "Once upon a time a river met the sea and ...", "chunk_delay_ms": 30}
    anthropic = vendors.script("anthropic", {"automatic": True}, overloaded)
    openai = vendors.script("openai", {"automatic": True}, slow_story)
    gemini = vendors.script("gemini")

    with tollway.open(path, master_key=MASTER_KEY) as tw:
        # Models: lower priority numbers are tried first. Without `prices`, those of the bundled catalog apply.
        tw.models.set(
            "anthropic/claude-haiku-4-5",
            api_key="sk-ant-demo",
            base_url=anthropic,
            priority=1,
            default=True,
            prices=per_million("1.00", "5.00", "USD"),
        )
        tw.models.set(
            "openai/gpt-4o-mini",
            api_key="sk-demo",
            base_url=f"{openai}/v1",
            priority=2,
            prices=per_million("0.15", "0.60", "USD"),
        )
        tw.models.set(
            "gemini/gemini-2.5-flash",
            api_key="demo",
            base_url=gemini,
            priority=3,
            prices=per_million("0.26", "2.20", "EUR"),
        )
        tw.routes.set("text", strategy="fallback")

        print("A call that is routed:")
        reply = tw.chat("Name three rivers.", user="alice", tags={"feature": "geography"})
        print(f"  {reply.model}: {reply.text!r} for {money(reply.cost, reply.currency)}")

        print("A call that falls back, because the first vendor answers 529:")
        reply = tw.chat("Name three lakes.", user="alice", max_retries=0)
        print(f"  {reply.model}: {reply.text!r} for {money(reply.cost, reply.currency)}")
        for attempt in reply.attempts:
            print(f"    attempt {attempt.number}: {attempt.model} {attempt.status} {attempt.error_code or ''}".rstrip())

        print("A call that is streamed:")
        print("  ", end="")
        with tw.chat.stream("Name three seas.", user="bob", model="gemini/gemini-2.5-flash") as stream:
            for event in stream:
                print(event.text, end="", flush=True)
        if stream.reply:
            print(f" [{money(stream.reply.cost, stream.reply.currency)}]")

        print("A stream that is given up in its middle, and billed all the same:")
        print("  ", end="")
        with tw.chat.stream("Tell me a story.", user="bob", model="openai/gpt-4o-mini") as stream:
            for event in stream:
                print(event.text, end="", flush=True)
                if "river" in event.text:
                    break
        print(" ... enough.")

        print("A budget that refuses a call before it is sent:")
        tw.budgets.set(user="carol", limit="0.001", currency="USD", window="month")
        tw.chat("Name three hills.", user="carol", model="openai/gpt-4o-mini", max_tokens=100)
        try:
            tw.chat("Write a novel.", user="carol", model="openai/gpt-4o-mini", max_tokens=4096)
        except tollway.BudgetExceededError as error:
            print(f"  {error.code}: {error.detail}")
        for budget in tw.budgets.list():
            print(f"  {budget.user}: {money(budget.settled, 'USD')} spent, {money(budget.remaining, 'USD')} left")

        print("A model config that is deleted; its history stays:")
        tw.models.delete("openai/gpt-4o-mini")
        print(f"  configured: {', '.join(config.name for config in tw.models.list())}")


def print_bill(path: Path) -> None:
    """Opens the file again and prints what is in its ledger."""
    with tollway.open(path, master_key=MASTER_KEY) as tw:
        records = list(tw.usage.records())
        lines = [line for record in records for line in record.receipt]

        print("\nEvery line of the bill: amount = quantity x unit price / 1,000,000")
        bill: list[list[object]] = []
        for record in records:
            head = [record.user, record.model, f"{record.status}, {record.cost_status}"]
            for line in record.receipt:
                bill.append([*head, line.meter, line.quantity, line.unit_price, line.amount, line.currency])
            if not record.receipt:
                bill.append([*head, record.error_code])
        print_table(["user", "model", "status", "meter", "quantity", "unit price", "amount", ""], bill)

        for heading in ["model", "user"]:
            print(f"\nThe bill by {heading}")
            groups: list[list[object]] = []
            for row in tw.usage.summary(by=[heading]):
                counts: list[object] = [row.group[heading], row.calls, row.input_tokens, row.output_tokens]
                for currency, amount in row.totals.items():
                    groups.append([*counts, amount, currency])
                    counts = [None] * len(counts)
            print_table([heading, "calls", "input tokens", "output tokens", "amount", ""], groups)

        print("\nThe total of each currency; two currencies are never added")
        totals = {currency: amount for row in tw.usage.summary(by=[]) for currency, amount in row.totals.items()}
        print_table(["currency", "amount"], list(totals.items()))

    # The same totals, by hand.
    by_hand: dict[str, Decimal] = {}
    for line in lines:
        if line.unit_price is not None and line.currency is not None:
            amount = line.quantity * line.unit_price / 1_000_000
            by_hand[line.currency] = by_hand.get(line.currency, Decimal(0)) + amount
    if by_hand != totals:
        sys.exit(f"The totals are wrong: by hand they are {by_hand}")
    print("The lines add up to the totals.")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows in columns: numbers to the right, texts to the left. A row may end early."""
    filled = [[*row, *[None] * (len(headings) - len(row))] for row in rows]
    table = [list(headings), *([cell_text(value) for value in row] for row in filled)]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    is_number = [any(isinstance(value, int | Decimal) for value in column) for column in zip(*filled, strict=True)]
    for line in table:
        aligned = zip(line, widths, is_number, strict=True)
        cells = [cell.rjust(width) if number else cell.ljust(width) for cell, width, number in aligned]
        print(f"  {'  '.join(cells)}".rstrip())


def cell_text(value: object) -> str:
    """Writes one cell; amounts in plain digits."""
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def main() -> None:
    """Makes the calls and prints their bill."""
    with mock_vendors.running() as vendors, tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "quickstart.tollway"
        make_calls(path, vendors)
        print_bill(path)


if __name__ == "__main__":
    main()
