"""A fallback: the first vendor refuses for too many requests, and another vendor's model answers."""

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
    # The lower number is tried first.
    tw.models.set(
        "anthropic/claude-haiku-4-5",
        api_key=anthropic_key,
        base_url=os.environ.get("ANTHROPIC_BASE_URL"),
        priority=1,
        default=True,
    )
    tw.models.set("openai/gpt-4o-mini", api_key=openai_key, base_url=os.environ.get("OPENAI_BASE_URL"), priority=2)
    tw.routes.set("text", strategy="fallback")

    # By default a model that refuses is asked twice more before the next one is; here the next one is asked at once.
    reply = tw.chat("Name three lakes.", user="alice", max_retries=0)

    print(reply.text)
    print(f"answered by {reply.model} for {reply.cost:f} {reply.currency}")
    for attempt in reply.attempts:
        outcome = attempt.status if attempt.error_code is None else f"{attempt.status}, {attempt.error_code}"
        print(f"  attempt {attempt.number}: {attempt.model}: {outcome}, {attempt.cost:f} {attempt.currency}")
