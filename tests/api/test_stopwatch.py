import subprocess
import sys
import time

import pytest

from api.stopwatch import Stopwatch

EAT = "import time; eaten = bytearray(200 * 2**20); print(len(eaten), flush=True); time.sleep(0.5)"


def test_seconds_and_names_are_those_of_the_stages() -> None:
    watch = Stopwatch()
    with watch.stage("sleep"):
        time.sleep(0.15)
    with watch.stage("nothing"):
        pass
    assert list(watch.as_dict()) == ["sleep", "nothing"]
    assert 0.15 <= watch.stages["sleep"].seconds < 5
    assert watch.stages["nothing"].seconds < watch.stages["sleep"].seconds


def test_memory_of_child_processes_counts() -> None:
    watch = Stopwatch()
    with watch.stage("alone"):
        time.sleep(0.1)
    with watch.stage("with a child"):
        subprocess.run([sys.executable, "-c", EAT], check=True, stdout=subprocess.DEVNULL)
    grown = watch.stages["with a child"].peak_memory_bytes - watch.stages["alone"].peak_memory_bytes
    assert grown > 190 * 2**20


def test_a_stage_that_fails_is_not_recorded() -> None:
    watch = Stopwatch()
    with pytest.raises(RuntimeError), watch.stage("broken"):
        raise RuntimeError
    assert watch.stages == {}
