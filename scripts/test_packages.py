"""Tests of the check of packages."""

from __future__ import annotations

import io
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

from check_packages import found


class FoundTest(unittest.TestCase):
    """What is found in packages."""

    def test_a_path_is_found_in_either_kind_of_package(self) -> None:
        """A wheel and an npm package are looked into, and one without such a path is fine."""
        with tempfile.TemporaryDirectory() as folder:
            wheel, npm = Path(folder) / "a.whl", Path(folder) / "a.tgz"
            for content, count in ((b"\x7fELF /home/ann/tollway/core/src/lib.rs \0", 1), (b"\x7fELF tollway/core", 0)):
                with zipfile.ZipFile(wheel, "w") as archive:
                    archive.writestr("tollway/_native.so", content)
                with tarfile.open(npm, "w:gz") as archive:
                    entry = tarfile.TarInfo("package/tollway.node")
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
                for package in (wheel, npm):
                    self.assertEqual(len(found(package, ["/home/ann", "/root"])), count, package)


if __name__ == "__main__":
    unittest.main()
