"""Places on other machines: folders that files are written into, each of which appears when it is whole."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO, Any

from kdeviz.data.remote import opened_address, shown, talking

_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "r2", "hf"})
"""Where an upload appears when it is whole, and folders are parts of names."""


@dataclass(frozen=True)
class RemotePlace:
    """A file or folder on another machine, there or not.

    Attributes:
        shown: its address, without anything secret.
        address: as it was given, secrets and all.
        system: fsspec's file system.
        path: as that file system has it.
    """

    shown: str
    address: str = field(repr=False)
    system: Any = field(repr=False, compare=False)
    path: str = field(repr=False)

    @classmethod
    def at(cls, address: str) -> RemotePlace:
        """The place at an address; nothing is made there.

        Raises:
            DataError: the address is wrong, or its machine does not answer.
            OptionError: a package that this kind of address needs is not installed.
        """
        with talking(shown(address), address):
            system, path = opened_address(address)
            return cls(shown(address).rstrip("/"), address, system, path.rstrip("/"))

    def __str__(self) -> str:
        return self.shown

    def __truediv__(self, name: str | PurePath) -> RemotePlace:
        inside = PurePath(name).as_posix()
        path = f"{self.path}/{inside}"
        return RemotePlace(f"{self.shown}/{inside}", self.address, self.system, path)

    @contextmanager
    def reading(self) -> Iterator[IO[bytes]]:
        """The file that is there.

        Raises:
            DataError: there is none, or it cannot be had.
        """
        with talking(self.shown, self.address), self.system.open(self.path, "rb") as file:
            yield file

    @contextmanager
    def written(self) -> Iterator[IO[bytes]]:
        """A file to write into on this machine, which goes there when the block ends; nothing if it fails.

        Raises:
            DataError: it cannot be written there.
        """
        with tempfile.TemporaryDirectory(prefix="kdeviz-") as folder:
            local = Path(folder) / "file"
            with local.open("wb") as file:
                yield file
            with talking(self.shown, self.address, "written"):
                self._put(local)

    def _put(self, local: Path) -> None:
        kinds = {self.system.protocol} if isinstance(self.system.protocol, str) else {*self.system.protocol}
        if kinds & _OBJECT_STORES:
            self.system.put_file(str(local), self.path)
            return
        folder = self.path.rpartition("/")[0]
        self.system.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.kdeviz-{secrets.token_hex(8)}.tmp"
        try:
            self.system.put_file(str(local), temporary)
            self.system.mv(temporary, self.path)
        except BaseException:
            if self.system.exists(temporary):
                self.system.rm_file(temporary)
            raise
