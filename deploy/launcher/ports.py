"""Finding a port nobody uses. What is found may be taken before it is used: callers try again."""

import socket


def is_free(host: str, port: int) -> bool:
    """True where a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def choose(host: str, wanted: int) -> int:
    """The wanted port where it is free, otherwise any free one; 0 wants none."""
    if wanted and is_free(host, wanted):
        return wanted
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
