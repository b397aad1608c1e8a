from schema import memory


def test_enough_memory_is_no_reason_to_skip():
    assert memory.lacking(1, "a number") is None


def test_a_lack_of_memory_is_told_in_bytes(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1_000)
    assert memory.lacking(2_000, "the matrix") == "the matrix needs 2,000 bytes of memory; 1,000 are free"


def test_the_limit_of_the_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert memory.free_memory() == 3_000


def test_a_container_without_a_limit_has_what_the_machine_has(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_memory() > 3_000
