"""Messages between the owners of DAGs, as rows of the table ``fact``."""

from __future__ import annotations

import msgspec

from tradewind.errors import TradewindError
from tradewind.model.ids import shard_of
from tradewind.model.messages import MESSAGES, Message
from tradewind.scheduler.turn import Turn
from tradewind.store.rows import FactRow


def post(turn: Turn, message: Message, origin: str, n: int) -> None:
    """Send a message: it is written with the turn, and read by the owner of its DAG.

    :param origin: the id of what it is about (an event, an attempt); with ``n``, nothing is sent twice.
    """
    turn.batch.new_facts.append(
        {
            "shard": shard_of(message.dag_id),
            "attempt_id": origin,
            "session": message.kind,
            "n": n,
            "kind": message.kind,
            "body": msgspec.json.encode(message),
        }
    )


def opened(row: FactRow) -> Message:
    """The message in a row.

    :raises TradewindError: where this version cannot read it.
    """
    try:
        return msgspec.json.decode(row.body, type=MESSAGES[row.kind])
    except (KeyError, msgspec.DecodeError) as error:
        raise TradewindError(
            f"A message of kind {row.kind!r} that cannot be read ({error}): is its sender of this version?"
        ) from None
