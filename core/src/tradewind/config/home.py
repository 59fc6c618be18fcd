"""The home folder: where everything that Tradewind keeps on this machine has its place."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tradewind.errors import ConfigError

VARIABLE = "TRADEWIND_HOME"
#: a Unix socket's whole path may have 107 bytes (103 on macOS); this leaves room for the socket's own name
_LONGEST_SOCKET_FOLDER = 60


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the home folder. Nothing is created before :meth:`create` is called."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "tradewind.toml"

    @property
    def database(self) -> Path:
        return self.path / "tradewind.db"

    @property
    def dags(self) -> Path:
        return self.path / "dags"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def xcom(self) -> Path:
        """Values of the XCom backend ``file``."""
        return self.path / "xcom"

    @property
    def versions(self) -> Path:
        """DAG versions, unpacked; may be deleted while nothing runs."""
        return self.path / "cache" / "versions"

    @property
    def key_file(self) -> Path:
        """The key that variables and connections are encrypted with."""
        return self.path / "secret.key"

    @property
    def run(self) -> Path:
        """Sockets. Elsewhere where the home's path is too long for a socket's address."""
        place = self.path / "run"
        if len(os.fsencode(place)) <= _LONGEST_SOCKET_FOLDER:
            return place
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"tradewind-{os.geteuid()}-{digest}"

    def create(self) -> None:
        """Make the folders that are missing, for this user alone.

        :raises ConfigError: where that is not possible, with what to do.
        """
        for folder in (self.path, self.dags, self.logs, self.xcom, self.versions, self.run):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except FileExistsError:
                raise ConfigError(
                    f"{folder} is a file, but Tradewind needs a folder there. Move the file away, or set "
                    f"{VARIABLE} to a folder of your own."
                ) from None
            except OSError as error:
                raise self._unusable(folder, error) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise self._unusable(self.path, PermissionError(0, "no right to write"))
        self._check_run()

    def _check_run(self) -> None:
        """Refuse a socket folder that somebody else made or may use: it may stand in a shared folder."""
        found = os.lstat(self.run)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ConfigError(
                f"The folder for sockets {self.run} belongs to somebody else. Remove it, or set {VARIABLE} "
                f"to a folder with a shorter path."
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            os.chmod(self.run, 0o700)

    def _unusable(self, folder: Path, error: OSError) -> ConfigError:
        return ConfigError(
            f"The folder {folder} cannot be made or written to ({error.strerror}). Give this user the right "
            f"to, or set {VARIABLE} to a folder of your own."
        )


def find_home(given: Path | None, environ: Mapping[str, str]) -> Home:
    """The home folder: what is given, else ``$TRADEWIND_HOME``, else ``~/tradewind``; made absolute.

    :raises ConfigError: where there is no home to be found, or it is no folder.
    """
    text = str(given) if given is not None else environ.get(VARIABLE, "")
    if not text:
        user = environ.get("HOME") or os.path.expanduser("~")
        if user == "~":
            raise ConfigError(f"This user has no home folder. Set {VARIABLE} to a folder for Tradewind.")
        text = str(Path(user) / "tradewind")
    if "\0" in text:
        raise ConfigError(f"{VARIABLE} has a NUL character in it. Set it to a folder for Tradewind.")
    path = Path(os.path.abspath(os.path.expanduser(text)))
    if path.exists() and not path.is_dir():
        raise ConfigError(
            f"{path} is a file, but Tradewind's home must be a folder. Move the file away, or set {VARIABLE} "
            f"to a folder."
        )
    return Home(path)
