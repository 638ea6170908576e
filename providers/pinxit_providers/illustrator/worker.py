"""The worker: draws pictures in a process of its own, so that nobody's event loop stands still.

    python -m pinxit_providers.illustrator.worker

It reads orders from standard input and writes answers to standard output until its input ends. An
answer's `kind` is `partial` (a stage), `done` (the picture), or `error`, with a `message` and whether
the `input` is to blame.
"""

import os
import sys
from typing import BinaryIO

from . import studio
from .orders import LENGTH, Order, opened, packed


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Carries out orders until there are no more."""
    while (received := receive(source)) is not None:
        try:
            picture = studio.execute(*received, show=lambda stage: _send(target, "partial", stage))
        except ValueError as error:
            _send(target, "error", message=str(error), input=True)
        except Exception as error:  # noqa: BLE001 - the worker outlives an order that goes wrong
            _send(target, "error", message=f"{type(error).__name__}: {error}", input=False)
        else:
            _send(target, "done", picture)


def receive(source: BinaryIO) -> tuple[Order, list[bytes]] | None:
    """The next order and its pictures; nothing at the end of the input."""
    prefix = source.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    header, lengths = opened(source.read(LENGTH.unpack(prefix)[0]))
    return Order(**header), [source.read(length) for length in lengths]


def _send(target: BinaryIO, kind: str, *blobs: bytes, **fields: object) -> None:
    target.write(packed({"kind": kind, **fields}, blobs))
    target.flush()


def main() -> None:
    """Serves standard input and output; whatever else is printed goes to standard error."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, target)
    except (BrokenPipeError, KeyboardInterrupt):
        # Whoever asked is gone, and nobody waits for an orderly end.
        os._exit(0)


if __name__ == "__main__":
    main()
