"""A folder that several processes share."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pinxit.assets.files import STALE, Files

NAME = f"{'ab' * 32}.png"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A folder that is not there yet."""
    return Files(tmp_path / "deep" / "assets")


def read(files: Files, name: str = NAME) -> bytes:
    found = files.open(name, 0)
    assert found is not None
    with found[0] as file:
        return file.read()


def test_write_and_read(files: Files) -> None:
    """What is written is read, with its size and the moment at which it was put."""
    assert files.write(NAME, b"abc", 100)
    assert read(files) == b"abc"
    [kept] = files.list()
    assert (kept.name, kept.size, kept.put) == (NAME, 3, 100 * 10**9)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_for_this_user_alone(files: Files) -> None:
    """Other users of the machine cannot look at pictures or keys."""
    files.write(NAME, b"abc", 100)
    files.write_once("key", b"secret")
    modes = {oct(path.stat().st_mode & 0o777) for path in files.folder.rglob("*") if path.is_file()}
    assert modes == {"0o600"}
    assert files.folder.stat().st_mode & 0o077 == 0


def test_written_twice(files: Files) -> None:
    """The same picture is kept once, and is as new as when it was last put."""
    files.write(NAME, b"abc", 100)
    assert not files.write(NAME, b"abc", 200)
    [kept] = files.list()
    assert kept.put == 200 * 10**9


def test_damaged_file_is_replaced(files: Files) -> None:
    """A file that somebody cut short is written anew."""
    files.write(NAME, b"abc", 100)
    (files.folder / NAME).write_bytes(b"a")
    files.write(NAME, b"abc", 100)
    assert read(files) == b"abc"


def test_nothing_there(files: Files) -> None:
    """A folder that was never made is empty and does not complain."""
    assert files.open(NAME, 0) is None
    assert files.list() == []
    files.sweep(0)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links and pipes are POSIX's")
def test_only_regular_files(files: Files, tmp_path: Path) -> None:
    """A link, a folder or a pipe under an asset's name is not opened."""
    files.make()
    (tmp_path / "secret").write_text("secret")
    (files.folder / NAME).symlink_to(tmp_path / "secret")
    (files.folder / f"{'cd' * 32}.png").mkdir()
    os.mkfifo(files.folder / f"{'ef' * 32}.png")
    for digits in ("ab", "cd", "ef"):
        assert files.open(f"{digits * 32}.png", 0) is None


def test_use_is_noted_and_age_is_kept(files: Files) -> None:
    """Reading makes a file recently used, and no younger."""
    files.write(NAME, b"abc", 100)
    with files.open(NAME, 500)[0]:  # type: ignore[index] # pyright: ignore[reportOptionalSubscript] # it is there
        pass
    [kept] = files.list()
    assert (kept.used, kept.put) == (500 * 10**9, 100 * 10**9)


def test_removed_only_as_listed(files: Files) -> None:
    """A file that was put again after it was listed stays: somebody was just promised it."""
    files.write(NAME, b"abc", 100)
    [kept] = files.list()
    files.write(NAME, b"abc", 200)
    assert not files.remove(kept)
    assert read(files) == b"abc"
    assert files.remove(files.list()[0])
    assert files.open(NAME, 0) is None
    assert not files.remove(kept)


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
def test_open_file_outlives_its_removal(files: Files) -> None:
    """Whoever is reading a picture reads it to its end."""
    files.write(NAME, b"abc", 100)
    found = files.open(NAME, 100)
    assert found is not None
    assert files.remove(files.list()[0])
    with found[0] as file:
        assert file.read() == b"abc"


def test_left_behind(files: Files) -> None:
    """What a process that died was writing goes after an hour, what one is writing now stays."""
    files.make()
    for name, age in (("old", STALE + 1), ("new", STALE - 1)):
        path = files.folder / "tmp" / name
        path.write_bytes(b"half")
        os.utime(path, (10_000 - age, 10_000 - age))
    files.sweep(10_000)
    assert [path.name for path in (files.folder / "tmp").iterdir()] == ["new"]


def test_first_one_wins(files: Files) -> None:
    """Of many who make the key at once all get the same one."""
    got: list[bytes] = []
    barrier = threading.Barrier(8)

    def make(number: int) -> None:
        barrier.wait()
        got.append(files.write_once("key", str(number).encode()))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1
    assert list((files.folder / "tmp").iterdir()) == []


WRITER = """
import hashlib, sys
from pathlib import Path
from pinxit.assets.files import Files
files, number = Files(Path(sys.argv[1])), 0
print("ready", flush=True)
while True:
    data = number.to_bytes(4, "big") * 500_000
    files.write(hashlib.sha256(data).hexdigest() + ".png", data, number)
    number += 1
"""


def test_killed_while_writing(files: Files) -> None:
    """Of a process that is killed, only whole files are served, and the next one goes on."""
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(files.folder)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        while not files.list():
            pass
        process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        process.wait()
        process.stdout.close()
    kept = files.list()
    assert kept
    for file in kept:
        assert hashlib.sha256(read(files, file.name)).hexdigest() == file.name[:64]
    assert files.write(NAME, b"abc", 1)


def test_evicted_by_several_at_once(files: Files) -> None:
    """Two who tidy up at once, and one who writes, get on with each other; nothing half is ever read."""
    stop, problems = threading.Event(), list[str]()
    data = {f"{hashlib.sha256(body).hexdigest()}.png": body for body in (b"a" * 9000, b"b" * 9000)}

    def evict() -> None:
        while not stop.is_set():
            for kept in files.list():
                files.remove(kept)

    def look() -> None:
        while not stop.is_set():
            for name, body in data.items():
                found = files.open(name, 0)
                if found is not None:
                    with found[0] as file:
                        if file.read() != body:
                            problems.append(name)

    threads = [threading.Thread(target=work) for work in (evict, evict, look)]
    for thread in threads:
        thread.start()
    for moment in range(150):
        for name, body in data.items():
            files.write(name, body, moment)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert list((files.folder / "tmp").iterdir()) == []
