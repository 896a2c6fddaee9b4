"""A worker that was broken on purpose: `SABOTAGE` names the one function that is replaced before it starts.

Only the fault tests start it, to see that their checkers turn red. `FAULT_GROUP` lets it read as another consumer group.
"""

import asyncio
import os
import random
import re
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from services.impact import app, changes, handlers, heal, judged, reassess, store
from services.impact.records import Letter, read
from services.impact.store import SQL
from services.runtime import kafka
from services.runtime.embedded import find
from services.runtime.faults import point
from services.runtime.settings import Settings

Chance = random.Random(0)


def _had(where: Any, name: str) -> Any:
    """What stands under this name of a module or class, whatever it exports."""
    return getattr(where, name)


def _put(where: Any, name: str, new: Any) -> None:
    setattr(where, name, new)


async def _dedup_off(address: str) -> None:
    """An id may be stored any number of times."""
    connection: Any = await asyncpg.connect(address)
    await connection.execute("ALTER TABLE event DROP CONSTRAINT IF EXISTS event_source_id_key")
    await connection.close()


def _acknowledged_before_commit() -> None:
    """A set is acknowledged, and its position moved, before what it brought is stored; nothing heals that."""

    async def first_the_position(self: handlers.Recorder, sets: Sequence[Any]) -> Any:
        async with self.pool.acquire() as connection:
            held = await store.held_positions(connection, self.cluster, self.consumer, sets)
            await store.move_positions(connection, self.cluster, self.consumer, sets, held)
            await asyncio.sleep(0.2)
            async with connection.transaction():
                facts, letters = read(sets, held)
                letters += await handlers.append(connection, facts)
                await store.keep_letters(connection, self.cluster, letters)
                point("before_record")
        return held, facts, letters

    _put(handlers.Recorder, "_store", first_the_position)


def _acknowledged_early_and_unhealed() -> None:
    """Faust's acknowledgement comes before the commit, and holes in the log are not looked for."""

    async def first_ack(self: kafka.WaitingList, keep: Any) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._waiting))
                taken = self._waiting
                self._keep([])
            for brought in taken:
                brought.ack()
            await asyncio.sleep(2.5)
            point("before_record")
            await keep([brought.value for brought in taken])

    async def without_look(self: heal.Healer, sets: Sequence[Any]) -> None:
        await self.record(sets)

    _put(kafka.WaitingList, "commit_for_ever", first_ack)
    _put(heal.Healer, "__call__", without_look)
    _look_nowhere()


def _look_nowhere() -> None:
    """What the group has passed and Postgres does not hold is not looked for."""

    async def blind(self: heal.Healer) -> int:
        return 0

    _put(heal.Healer, "look", blind)


def _position_one_too_far() -> None:
    """The position says that one more record is stored than is; nothing heals that."""
    _look_nowhere()
    right = _had(store, "move_positions")

    async def too_far(connection: Any, cluster: str, consumer: str, sets: Any, held: Any) -> None:
        await right(connection, cluster, consumer, sets, held)
        await connection.execute("UPDATE position SET stored = stored + 1 WHERE cluster = $1 AND consumer = $2"
                                 " AND (topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[]))",
                                 cluster, consumer, [s.topic for s in sets], [s.partition for s in sets])  # fmt: skip

    _put(store, "move_positions", too_far)


def _position_check_off() -> None:
    """A position moves wherever it stands, and nobody locks it first."""
    SQL["move_position"] = SQL["move_position"].replace("AND stored = $5", "AND $5::bigint IS NOT NULL")
    SQL["positions"] = SQL["positions"].replace("FOR UPDATE OF p", "")


def _hand_on_skipped() -> None:
    """A fact is stored, and nobody is made due by it."""
    SQL["make_due"] = "SELECT $1::text[], $2::boolean[], $3::timestamptz[]"


def _every_tenth_handed_on_to_nobody() -> None:
    """Now and then an exporter is forgotten."""
    SQL["make_due"] = SQL["make_due"].replace(
        "unnest($1::text[], $2::boolean[], $3::timestamptz[])",
        "unnest($1::text[], $2::boolean[], $3::timestamptz[]) AS u(e, b, s) WHERE hashtext(e) % 10 <> 0",
    )


async def _keys_off(address: str) -> None:
    """A line may have two verdicts and a revision two answers: otherwise these keys let only one of two judges end."""
    connection: Any = await asyncpg.connect(address)
    for table in ("verdict", "history"):
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_pkey")
    await connection.close()


def _locks_off() -> None:
    """Who judges locks nobody, so two may judge one exporter at once; and it takes its time."""
    for name in ("take_due", "lock_exporters"):
        SQL[name] = re.sub(r"FOR NO KEY UPDATE.*", "", SQL[name], flags=re.DOTALL)
    _slowly()


def _slowly() -> None:
    right = _had(reassess, "judge")

    def slow(*arguments: Any) -> Any:
        time.sleep(Chance.uniform(0.2, 0.8))
        return right(*arguments)

    _put(reassess, "judge", slow)


def _settled_blindly() -> None:
    """A new reason that came while an exporter was judged is thrown away."""
    SQL["settle"] = """DELETE FROM due WHERE exporter = ANY($1::text[]) AND $2::bigint[] IS NOT NULL
                       RETURNING bulk, extract(epoch FROM now() - since)::float8 AS waited"""
    _slowly()


def _deleted_before_sent() -> None:
    """What goes out is deleted, for good, before the broker has it."""

    async def publish(pool: Any, producer: Any, *_: Any) -> int:
        async with pool.acquire() as connection:
            rows = await connection.fetch("DELETE FROM outbox RETURNING topic, key, body")
        await asyncio.sleep(0.3)
        if rows:
            point("after_publish")
        for row in rows:
            await producer.send_and_wait(row["topic"], row["body"], key=row["key"].encode())
        return len(rows)

    _put(handlers, "publish", publish)


def _new_ids_each_time() -> None:
    """An answer that is sent again has another id."""
    right = _had(handlers, "publish")

    async def publish(pool: Any, producer: Any, *more: Any) -> int:
        class Renaming:
            async def send(self, topic: str, body: bytes, **more: Any) -> Any:
                body = re.sub(rb'"id": ?"[^"]+"', f'"id": "{uuid.uuid4()}"'.encode(), body, count=1)
                return await producer.send(topic, body, **more)

        done: int = await right(pool, Renaming(), *more)
        return done

    _put(handlers, "publish", publish)


def _letters_thrown_away() -> None:
    """What cannot be read leaves no trace."""

    async def nothing(connection: Any, cluster: str, letters: Sequence[Letter]) -> None:
        return None

    _put(store, "keep_letters", nothing)


def _a_cent_too_much() -> None:
    """One cent more is blocked than is."""
    right = _had(judged, "judge")

    def dearer(*arguments: Any) -> Any:
        found, remains, waking = right(*arguments)
        place = judged.FOUND_BY.index("blocked_value")
        for key, one in found.items():
            columns = list(one.columns)
            if columns[place]:
                columns[place] += type(columns[place])("0.01")
                found[key] = judged.Judged(key, tuple(columns), one.next_change_at, one.cited, one.answer, one.loss,
                                           one.steps)  # fmt: skip
        return found, remains, waking

    _put(reassess, "judge", dearer)


def _revisions_skip() -> None:
    """Revisions count by two."""
    right = _had(reassess, "Change")

    def skipping(key: Any, revision: int, *more: Any) -> changes.Change:
        made: changes.Change = right(key, revision + 1, *more)
        return made

    _put(reassess, "Change", skipping)


def _queue_unlocked() -> None:
    """Pending rows are deleted although whoever handles them may still die: the hand-on commits in two halves."""

    async def hand_on(pool: Any) -> int:
        async with pool.acquire() as connection:
            rows = await connection.fetch("DELETE FROM pending RETURNING exporter, stored_at")
            names = sorted({row["exporter"] for row in rows if row["exporter"]})
            if rows:
                await asyncio.sleep(0.3)
                point("in_hand_on")
            since = [min(row["stored_at"] for row in rows)] * len(names)
            await connection.execute(SQL["make_due"], names, [False] * len(names), since)
            return len(rows)

    _put(handlers, "hand_on", hand_on)


SABOTAGES: dict[str, Callable[[], None]] = {
    "dedup off": lambda: None,
    "position moved before the commit": _acknowledged_before_commit,
    "acknowledged before the commit, healing off": _acknowledged_early_and_unhealed,
    "position one too far, healing off": _position_one_too_far,
    "position check off": _position_check_off,
    "hand-on skipped": _hand_on_skipped,
    "hand-on forgets some": _every_tenth_handed_on_to_nobody,
    "hand-on in two transactions": _queue_unlocked,
    "locks off, and keys that need not be one": _locks_off,
    "due rows settled blindly": _settled_blindly,
    "outbox deleted before it is sent": _deleted_before_sent,
    "a new id for what is sent again": _new_ids_each_time,
    "dead letters thrown away": _letters_thrown_away,
    "a cent too much": _a_cent_too_much,
    "revisions skip": _revisions_skip,
}  # fmt: skip


BEFORE: dict[str, Callable[[str], Awaitable[None]]] = {
    "dedup off": _dedup_off,
    "locks off, and keys that need not be one": _keys_off,
}
"""What is taken from the tables before the worker starts."""


async def _main() -> None:
    settings = Settings.from_environment(os.environ)
    endpoints = find(settings)
    if name := os.environ["SABOTAGE"]:
        if before := BEFORE.get(name):
            await before(endpoints.database_url)
        SABOTAGES[name]()
    group = os.environ["FAULT_GROUP"]
    work = asyncio.ensure_future(app.run(endpoints, seen=settings.seen, wall_clock=False, group=group))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    asyncio.run(_main())
