"""Eight processes mark the same data; one is killed in the middle."""

import sqlite3

from process_steps import begin, end, wait_for

from kdeviz.data.mark_file import MarkFile
from kdeviz.data.marks import SampleMark, marks_bytes

PROCESSES, EACH = 8, 250

MARKING = """
import sys, time
from pathlib import Path
from kdeviz.data.mark_book import MarkBook
from kdeviz.data.mark_file import MarkFile
from kdeviz.data.marks import SampleMark

folder, name, each = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
(folder / f"{name}.ready").touch()
while not (folder / "go").exists():
    time.sleep(0.005)
book = MarkBook(MarkFile(folder / "marks.sqlite", folder / "marks.json"))
with open(folder / f"{name}.log", "w", buffering=1) as acknowledged:
    for i in range(each):
        book.set(f"{name} {i}", SampleMark("confirmed", f"note {i}"))
        acknowledged.write(f"{name} {i}\\n")
        if i % 10 == 0:
            book.set("contested", SampleMark("unsure", f"{name} {i}"))
            book.undo()
"""


def acknowledged(folder, name):
    """What a process was told is kept; a line that was cut off was not."""
    log = folder / f"{name}.log"
    return (
        [line[:-1] for line in log.read_text().splitlines(True) if line.endswith("\n")]
        if log.exists()
        else []
    )


def test_all_acknowledged_marks_are_there(tmp_path):
    # Whoever comes first makes the file, from that of an earlier kdeviz.
    (tmp_path / "marks.json").write_bytes(marks_bytes({"old": SampleMark("unsure", "from before")}))
    names = [f"p{i}" for i in range(PROCESSES)]
    processes = [begin(MARKING, tmp_path, name, EACH) for name in names]
    wait_for(lambda: len(list(tmp_path.glob("*.ready"))) == PROCESSES)
    (tmp_path / "go").touch()
    wait_for(lambda: len(acknowledged(tmp_path, names[0])) >= EACH // 5)
    processes[0].kill()
    ended = [end(process) for process in processes]
    assert [code for code, _, _ in ended] == [-9, *[0] * (PROCESSES - 1)], [err for _, _, err in ended]

    told = {sample for name in names for sample in acknowledged(tmp_path, name)}
    assert len(told) >= EACH * (PROCESSES - 1) + EACH // 5
    found = MarkFile(tmp_path / "marks.sqlite", tmp_path / "marks.json").marks
    assert all(found[sample] == SampleMark("confirmed", f"note {sample.split()[1]}") for sample in told)
    others = set(found) - told - {"old", "contested"}
    # The killed one may have had one more mark on the disk than it had heard of.
    assert others <= {f"p0 {len(acknowledged(tmp_path, 'p0'))}"}
    assert found["old"] == SampleMark("unsure", "from before")
    with sqlite3.connect(tmp_path / "marks.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
