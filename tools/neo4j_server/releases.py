"""The releases of Neo4j that the store is tested on, and how they get onto this machine."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from schema.errors import PathrecError
from schema.files import replacing_folder
from tools.neo4j_server.java import newest_jdk

HERE = Path(__file__).parent
SERVERS = HERE / ".servers"
MARKER = "Launcher.class"


class MissingNeo4jError(PathrecError):
    """No Neo4j can be had here: no Java, no Maven, or no way to the packages."""


@dataclass(frozen=True)
class Release:
    """A release of Neo4j, the Java it needs, and the Graph Data Science library that fits it."""

    version: str
    java: int
    gds: str


RELEASES = {"5": Release("5.26.30", java=17, gds="2.13.9"), "2026": Release("2026.08.1", java=21, gds="2.26.0")}
"""The long-term release and the newest, by the names that `--version` takes."""


@dataclass(frozen=True)
class Installed:
    """A fetched release with the Java to run it."""

    release: Release
    folder: Path
    jdk: Path

    @property
    def gds(self) -> Path:
        """Folder of the Graph Data Science library."""
        return self.folder / "gds"

    @property
    def classpath(self) -> str:
        return f"{self.folder}:{self.folder / 'jars'}/*"


def fetched(release: Release) -> Installed:
    """The release in `.servers/`; fetched with Maven the first time, which takes some seconds.

    Raises:
        MissingNeo4jError: it cannot be had; the message says what to install.
    """
    jdk = newest_jdk(release.java)
    if jdk is None:
        raise MissingNeo4jError(
            f"Neo4j {release.version} needs a JDK {release.java} or newer; install one or point JAVA_HOME at it"
        )
    folder = SERVERS / f"{release.version}-gds-{release.gds}"
    if not (folder / MARKER).is_file():
        _fetch(release, folder, jdk)
    return Installed(release, folder, jdk)


def _fetch(release: Release, folder: Path, jdk: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingNeo4jError(f"Neo4j {release.version} is fetched with Maven; install it so that mvn is in PATH")
    with replacing_folder(folder, marker=MARKER) as aside:
        jars = aside / "jars"
        for pom, into, version in (("pom.xml", jars, release.version), ("gds.xml", aside / "gds", release.gds)):
            _run(
                f"fetching Neo4j {release.version} and GDS {release.gds}",
                maven,
                *("--batch-mode", "--quiet", "--file", HERE / pom, "dependency:copy-dependencies"),
                *(f"-DoutputDirectory={into}", f"-Dneo4j.version={version}", f"-Dgds.version={version}"),
            )
        # Built for the oldest Java that the release runs on, whichever runs it later.
        _run(
            "compiling the launcher",
            jdk / "bin" / "javac",
            *("--release", str(release.java), "-cp", f"{jars}/*", "-d", aside, HERE / "Launcher.java"),
        )


def _run(what: str, *command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise MissingNeo4jError(f"{what} failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")
