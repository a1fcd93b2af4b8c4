"""Where the files of a session are, which its code sees as /mnt/data."""

import re
from hashlib import blake2b
from pathlib import Path


def folder_of(root: Path, session: str) -> Path:
    """The folder of the session with that id, below `root`."""
    if re.fullmatch(r"\w[\w.-]{0,63}", session, re.ASCII):
        return root / session
    return root / blake2b(session.encode(), digest_size=16).hexdigest()
