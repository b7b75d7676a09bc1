"""Pictures in Arrow files."""

from __future__ import annotations

import tarfile
import zipfile

import pyarrow as pa
import pytest
from drawn_files import picture

from dogcam.core.errors import InputError
from dogcam.data.formats.arrow import ArrowCell, span_of, table_of
from dogcam.data.trees import open_tree


@pytest.fixture
def written(tmp_path):
    """A stream of three rows in two batches, the last without a picture."""
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    rows = [{"bytes": picture(20), "path": "a.jpg"}, {"bytes": picture(30), "path": None}, {"bytes": None, "path": "c.jpg"}]
    path = tmp_path / "data.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, pa.schema({"image": kind})) as stream:
        for part in (rows[:2], rows[2:]):
            stream.write_batch(pa.record_batch([pa.array(part, kind)], ["image"]))
    return path


def test_a_picture_is_read_from_its_row(written, tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        archive.add(written, "some/data.arrow")
    for file in (open_tree(tmp_path).files["data.arrow"], open_tree(tmp_path / "set.tar").files["data.arrow"]):
        cells = [ArrowCell(*span_of(file), "image", row) for row in range(3)]
        assert [cell.pixels().shape for cell in cells[:2]] == [(10, 20, 3), (10, 30, 3)]
        assert cells[1].header().size == (30, 10)
        with pytest.raises(InputError, match=r"row 2: the row has no picture"):
            cells[2].content()


def test_in_a_zip_it_cannot_be_mapped(written, tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(written, "data.arrow")
    with pytest.raises(InputError, match="unpack it"):
        span_of(open_tree(tmp_path / "set.zip").files["data.arrow"])


@pytest.mark.parametrize("keep", [0, 100, 0.7])
def test_a_damaged_file_is_one_line(written, keep):
    content = written.read_bytes()
    written.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep] or b"no arrow")
    with pytest.raises(InputError, match=r"cannot read .*data.arrow as an Arrow file"):
        table_of(written, 0, written.stat().st_size)
