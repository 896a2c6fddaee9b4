"""Resolves `jgo.toml` and pins every jar, with its SHA-256, in `jgo.lock.toml`. Run it after changing a version."""

import tomllib
from pathlib import Path

import jgo
from jgo.env import LockedDependency, LockFile
from jgo.env._lockfile import compute_sha256

HERE = Path(__file__).parent


def main() -> None:
    coordinates: list[str] = tomllib.loads((HERE / "jgo.toml").read_text())["dependencies"]["coordinates"]
    pins = [
        LockedDependency(
            a.groupId, a.artifactId, a.version, a.packaging, a.classifier, compute_sha256(a.resolve())
        )
        for a in jgo.resolve("+".join(coordinates))
    ]
    LockFile(sorted(pins, key=lambda pin: (pin.groupId, pin.artifactId)), environment_name="kafka").save(
        HERE / "jgo.lock.toml"
    )


if __name__ == "__main__":
    main()
