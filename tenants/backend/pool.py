"""What happens to a connection between two borrowers. Runs in the pool's own thread, never on a request's way."""

from tenants.binding import NOWHERE

FORGET = (
    "CLOSE ALL; UNLISTEN *; DEALLOCATE ALL; SELECT pg_advisory_unlock_all(); DISCARD TEMP; "
    f"RESET SESSION AUTHORIZATION; RESET ALL; SET TIME ZONE 'UTC'; SET search_path = {NOWHERE}"
)


def reset(connection) -> None:
    """Leave nothing of the last borrower: cursors, channels, prepared statements, locks, temporary tables, settings, path (I-03, I-31).

    An error makes the pool throw the connection away.
    """
    connection.execute(FORGET)
