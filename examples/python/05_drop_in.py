"""The drop-in: OpenAI's own library, unchanged but for one line; another vendor's model answers, and it is billed."""

import os
import sys
import tempfile

import openai

import tollway

api_key = os.environ.get("ANTHROPIC_API_KEY")
if not api_key:
    sys.exit("Set ANTHROPIC_API_KEY to a key of yours. ANTHROPIC_BASE_URL may name another server of its format.")

with (
    tempfile.TemporaryDirectory() as folder,
    tollway.open(f"{folder}/app.tollway", master_key="a passphrase of yours") as tw,
):
    tw.models.set("anthropic/claude-haiku-4-5", api_key=api_key, base_url=os.environ.get("ANTHROPIC_BASE_URL"))
    tw.budgets.set(limit="0.05", currency="USD", window="month")

    # The one line. The library wants a key but none is used: the key is in the file, and no socket is opened here.
    client = openai.OpenAI(api_key="unused", http_client=tollway.httpx_client(tw, user="alice"))

    question = "Name three rivers."
    completion = client.chat.completions.create(
        model="anthropic/claude-haiku-4-5", messages=[{"role": "user", "content": question}], max_tokens=100
    )
    print(completion.choices[0].message.content)
    bill = (completion.model_extra or {})["tollway"]
    print(f"{bill['model']} for {bill['cost']} {bill['currency']}, {bill['cost_status']}")

    question = "Name three seas."
    stream = client.chat.completions.create(
        model="anthropic/claude-haiku-4-5",
        messages=[{"role": "user", "content": question}],
        max_tokens=100,
        stream=True,
    )
    for chunk in stream:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()

    try:
        client.chat.completions.create(
            model="anthropic/claude-haiku-4-5", messages=[{"role": "user", "content": "Go on."}], max_tokens=20_000
        )
    except openai.APIStatusError as error:
        # A refusal of Tollway's is an error of the library's own kind.
        print(f"{error.status_code} {error.code}")

    for record in tw.usage.records():
        print(f"{record.user}, {record.model}, {record.status}, {record.cost_amount:f} {record.currency}")
