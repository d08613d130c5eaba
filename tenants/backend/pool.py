"""What happens to a connection between two borrowers, in the thread of the one who gives it back, whose answer has been sent by then.

Waking the pool's own thread for it costs several times of what is done, and both threads wait for each other.
"""

import logging

import psycopg
from psycopg.pq import TransactionStatus

from tenants.backend.plans import Shelf
from tenants.binding import NOWHERE

log = logging.getLogger("odos.database")

FORGET = (
    "CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; "
    f"RESET SESSION AUTHORIZATION; RESET ALL; SET TIME ZONE 'UTC'; SET search_path = {NOWHERE}"
)


def reset(connection: psycopg.Connection) -> None:
    """Leave nothing of the last borrower: cursors, channels, locks, temporary tables, settings, path (I-03, I-31); but for the plans of its statements.

    A connection that is not as new afterwards is closed, and the pool throws it away. Cost: one round trip, another to end a transaction.
    """
    try:
        if connection.pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            connection.rollback()
        connection.execute("; ".join([*Shelf.of(connection).give_up(), FORGET]))
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            raise psycopg.OperationalError("The connection is still busy.")
    except BaseException as error:
        connection.close()
        if not isinstance(error, psycopg.Error):
            raise
        log.warning("A connection is thrown away: %s", error)
