"""Checks that no package holds a path of the machine that built it.

Usage: check_packages.py FOLDER PATH...; fails, naming the file, if one of the paths stands in a package of the folder.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def members(package: Path) -> dict[str, bytes]:
    """Returns the files of a wheel or of an npm package."""
    data = package.read_bytes()
    if package.suffix == ".whl":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = [(entry.name, archive.extractfile(entry)) for entry in archive.getmembers()]
        return {name: file.read() for name, file in files if file is not None}


def found(package: Path, paths: list[str]) -> list[str]:
    """Returns a line for each path that stands in a file of a package."""
    return [
        f"{package.name}: {name} holds {path}"
        for name, content in members(package).items()
        for path in paths
        if path.encode() in content
    ]


def main() -> None:
    """Checks the packages of a folder."""
    folder, paths = Path(sys.argv[1]), [path for path in sys.argv[2:] if path not in ("", "/")]
    packages = sorted([*folder.glob("*.whl"), *folder.glob("*.tgz")])
    if not packages:
        sys.exit(f"{folder} holds no package; build them first")
    problems = [line for package in packages for line in found(package, paths)]
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
