"""The files of folders and archives."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from dogcam.core.errors import InputError
from dogcam.data.archives import is_archive
from dogcam.data.images import ImageFile
from dogcam.data.trees import Place, Tree, files_ending, open_tree

FILES = {"images/a.jpg": b"a", "images/deep/b.PNG": b"bb", "notes.txt": b"text", "x/a.jpg": b"other a"}


def folder(place, files):
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def tar(place, files, links=()):
    with tarfile.open(place, "w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for path, target, kind in links:
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)
    return place


def zipped(place, files, packing=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(place, "w", packing) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return place


MAKERS = {
    "folder": folder,
    "a.tar": tar,
    "a.zip": zipped,
    "stored.zip": lambda place, files: zipped(place, files, zipfile.ZIP_STORED),
}


@pytest.fixture(params=MAKERS)
def make(request, tmp_path):
    return lambda files: MAKERS[request.param](tmp_path / request.param, files)


def contents(tree):
    return {path: file.content() for path, file in tree.files.items()}


def problems(tree):
    return {problem.id: problem.kind for problem in tree.refused}


# What all of them have in common --------------------------------------------------------------------------------------


def test_a_place_is_its_files(make):
    tree = open_tree(make(FILES))
    assert contents(tree) == FILES
    assert list(tree.files) == sorted(FILES)
    assert tree.pictures == ("images/a.jpg", "images/deep/b.PNG", "x/a.jpg")
    assert tree.folders == {"", "images", "images/deep", "x"}
    assert tree.refused == ()
    assert tree.under("images") == ["images/a.jpg", "images/deep/b.PNG"]
    assert tree.under("", ".txt", ".png") == ["images/deep/b.PNG", "notes.txt"]
    assert tree.under("image") == []
    assert tree.text("notes.txt") == "text"
    with pytest.raises(InputError, match=r"^there is no gone\.txt in "):
        tree.content("gone.txt")


def test_what_systems_leave_behind_is_no_file(make):
    clutter = {"__MACOSX/images/._a.jpg": b"", "images/.DS_Store": b"", "images/._a.jpg": b"", "Thumbs.db": b""}
    assert contents(open_tree(make(FILES | clutter))) == FILES


@pytest.mark.parametrize("count", [0, 1, 70_000])
def test_contents_of_any_length(make, count):
    noise = os.urandom(count)
    tree = open_tree(make({"a.jpg": noise, "b.jpg": b"after"}))
    assert contents(tree) == {"a.jpg": noise, "b.jpg": b"after"}
    assert tree.files["a.jpg"].beginning(100) == noise[:100]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ü\n".encode(), "ü\n"),
        ("ü".encode("utf-8-sig"), "ü"),
        ("ü".encode("utf-16"), "ü"),
        ("ü".encode("latin-1"), "ü"),
        (b"", ""),
    ],
)
def test_text_of_any_encoding(make, content, text):
    assert open_tree(make({"a.txt": content, "b.txt": b""})).text("a.txt") == text


@pytest.mark.parametrize("make", [zipped, lambda place, files: place.mkdir() or place])
def test_an_empty_place_has_nothing(tmp_path, make):
    tree = open_tree(make(tmp_path / "a.zip", {}))
    assert (dict(tree.files), tree.pictures, tree.folders, tree.picture("a.jpg")) == ({}, (), frozenset(), None)


# Pictures by the names that annotations have for them -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "near", "found"),
    [
        ("images/a.jpg", (), "images/a.jpg"),
        ("./images/a.jpg", (), "images/a.jpg"),
        ("images\\a.jpg", (), "images/a.jpg"),
        ("b.PNG", (), "images/deep/b.PNG"),
        ("b.png", (), "images/deep/b.PNG"),  # but for capital letters
        ("/home/somebody/data/images/a.jpg", (), "images/a.jpg"),  # the end is the same
        ("C:\\data\\x\\a.jpg", (), "x/a.jpg"),
        ("a.jpg", (), None),  # there are two
        ("A.JPG", (), None),
        ("a.jpg", ("x",), "x/a.jpg"),
        ("A.jpg", ("x",), "x/a.jpg"),
        ("deep/b.PNG", ("images",), "images/deep/b.PNG"),
        ("../images/a.jpg", ("x",), "images/a.jpg"),
        ("../../../etc/a.jpg", ("x",), "x/a.jpg"),  # never out of the place
        ("other/a.jpg", ("gone",), None),
        ("c.jpg", (), None),
        ("", (), None),
    ],
)
def test_a_picture_is_found_where_it_is_meant_and_never_guessed(tmp_path, name, near, found):
    assert open_tree(folder(tmp_path, FILES)).picture(name, *near) == found


COMPOSED, APART = "B\u00e4r \ud55c.jpg", "Ba\u0308r \u1112\u1161\u11ab.jpg"  # as most systems write a name, and as macOS does


@pytest.mark.parametrize("make", [tar, zipped, folder])
@pytest.mark.parametrize(("stored", "named"), [(COMPOSED, APART), (APART, COMPOSED), (APART, APART)])
def test_a_name_is_the_same_however_its_letters_are_written(tmp_path, make, stored, named):
    place = tmp_path / {tar: "a.tar", zipped: "a.zip", folder: "a"}[make]
    tree = open_tree(make(place, {f"x/{stored}": b"bear", "list.txt": named.encode()}))
    assert tree.picture(named) == tree.picture(tree.lines("list.txt")[0]) == f"x/{COMPOSED}"
    assert tree.content(f"x/{COMPOSED}") == b"bear"


def test_two_files_whose_names_look_alike_are_both_there(tmp_path):
    assert len(open_tree(folder(tmp_path, {COMPOSED: b"one", APART: b"other"})).files) == 2


@pytest.mark.parametrize("name", ["B\u00e4r.jpg", "\ud55c.jpg"])
def test_a_zip_of_macos_has_utf_8_names_and_does_not_say_so(tmp_path, name):
    place = zipped(tmp_path / "a.zip", {name: b"bear"})
    content = bytearray(place.read_bytes())
    for mark, offset in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        content[content.index(mark) + offset] &= ~8  # bit 11 of the flags
    place.write_bytes(content)
    assert contents(open_tree(place)) == {name: b"bear"}


def test_a_name_in_the_code_page_of_dos_is_read_as_that(tmp_path):
    place = zipped(tmp_path / "a.zip", {"B?r.jpg": b"bear"})
    place.write_bytes(place.read_bytes().replace(b"B?r", b"B\x84r"))
    assert contents(open_tree(place)) == {"B\u00e4r.jpg": b"bear"}


@pytest.mark.parametrize(
    ("path", "found"),
    [("images/A.JPG", "images/a.jpg"), ("X/a.jpg", "x/a.jpg"), ("IMAGES/deep/b.png", "images/deep/b.PNG"), ("a.jpg", None)],
)
def test_a_path_may_differ_in_capital_letters(tmp_path, path, found):
    assert open_tree(folder(tmp_path, FILES)).find(path) == found


def test_a_path_in_other_capitals_is_never_guessed():
    tree = Tree(Path("/x"), {path: ImageFile(path) for path in ("a.JPG", "A.jpg")})
    assert (tree.find("a.jpg"), tree.find("A.jpg")) == (None, "A.jpg")


def test_names_that_differ_in_capitals_alone_are_two_pictures():
    tree = Tree(Path("/x"), {path: ImageFile(path) for path in ("a.jpg", "sub/A.jpg", "B.JPG", "sub/b.jpg")})
    assert tree.picture("A.jpg") == "sub/A.jpg"
    assert tree.picture("a.jpg") == "a.jpg"
    assert tree.picture("b.JPG") is None


def test_pictures_may_lie_elsewhere(tmp_path):
    notes = open_tree(folder(tmp_path / "notes", {"a.xml": b""}))
    pictures = open_tree(folder(tmp_path / "pictures", FILES))
    assert Place(notes).pictures is notes
    assert Place(notes, "a.xml", pictures).pictures is pictures


# Folders --------------------------------------------------------------------------------------------------------------


def test_links_are_followed_inside_and_never_out(tmp_path):
    outside = folder(tmp_path / "outside", {"secret.jpg": b"secret"})
    place = folder(tmp_path / "place", {"in/a.jpg": b"a"})
    for name, target in {
        "same.jpg": place / "in" / "a.jpg",
        "relative.jpg": Path("in/a.jpg"),
        "out.jpg": outside / "secret.jpg",
        "up.jpg": Path("../outside/secret.jpg"),
        "out": outside,
        "again": place / "in",
        "in/loop": place,
        "circle.jpg": place / "circle.jpg",
        "nowhere.jpg": place / "gone.jpg",
    }.items():
        (place / name).symlink_to(target)
    tree = open_tree(place)
    assert contents(tree) == {"in/a.jpg": b"a", "same.jpg": b"a", "relative.jpg": b"a"}
    leads_out = dict.fromkeys(("out.jpg", "up.jpg", "out"), "leads-out")
    assert problems(tree) == leads_out | {"again": "", "in/loop": "", "circle.jpg": "missing", "nowhere.jpg": "missing"}
    assert {each.id for each in tree.refused if not each.lost} == {"again", "in/loop"}


def test_the_place_itself_may_be_a_link(tmp_path):
    folder(tmp_path / "place", FILES)
    (tmp_path / "place" / "same.jpg").symlink_to("images/a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "place")
    assert contents(open_tree(tmp_path / "link")) == FILES | {"same.jpg": b"a"}


@pytest.mark.parametrize("name", ["place", "place/", "./place", "place/."])
def test_a_place_may_be_written_in_any_way(tmp_path, monkeypatch, name):
    folder(tmp_path / "place", FILES)
    monkeypatch.chdir(tmp_path)
    assert contents(open_tree(Path(name))) == FILES
    monkeypatch.chdir("place")
    assert contents(open_tree(Path())) == FILES


@pytest.fixture
def locked(monkeypatch):
    """Makes folders that may not be listed; to the superuser nothing is forbidden."""
    names = set()
    listed = os.scandir

    def scandir(path):
        if Path(path).name in names:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return names


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, locked):
    locked.add("deep")
    tree = open_tree(folder(tmp_path, FILES))
    assert set(tree.files) == set(FILES) - {"images/deep/b.PNG"}
    assert [(each.id, each.kind, each.lost) for each in tree.refused] == [("images/deep", "unreadable", True)]


def test_a_place_that_may_not_be_listed_is_one_clear_line(tmp_path, locked):
    locked.add("place")
    with pytest.raises(InputError, match=r"^cannot read the folder .*place: Permission denied$"):
        open_tree(folder(tmp_path / "place", FILES))


def test_names_that_are_not_utf_8_can_be_shown(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(b"coffee")
    tree = open_tree(tmp_path)
    assert contents(tree) == {"caf\\udce9.jpg": b"coffee"}
    assert tree.files["caf\\udce9.jpg"].name.isascii()


def test_what_is_no_file_is_left_alone(tmp_path):
    folder(tmp_path, FILES)
    os.mkfifo(tmp_path / "pipe.jpg")  # to read it would be to wait for ever
    assert contents(open_tree(tmp_path)) == FILES


# Archives -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [tar, zipped])
def test_one_folder_round_everything_is_no_part_of_the_paths(tmp_path, make):
    files = {f"./data/{path}": content for path, content in FILES.items()}
    assert contents(open_tree(make(tmp_path / f"a.{'tar' if make is tar else 'zip'}", files))) == FILES


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *((make, name) for make in (tar, zipped) for name in ("../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "C:/x/a.jpg")),
        (zipped, "..\\a.jpg"),  # in a tar archive a backslash is a letter
        (zipped, "C:\\x\\a.jpg"),
    ],
)
def test_members_that_lead_out_are_refused_by_name(tmp_path, make, name):
    tree = open_tree(make(tmp_path / f"a.{'tar' if make is tar else 'zip'}", {"x/b.jpg": b"b", "c.jpg": b"c", name: b"bad"}))
    assert contents(tree) == {"x/b.jpg": b"b", "c.jpg": b"c"}
    assert problems(tree) == {name.replace("\\", "/"): "leads-out"}


def test_backslashes_of_a_zip_are_slashes(tmp_path):
    place = zipped(tmp_path / "a.zip", {"x.jpg": b"x", "images\\deep\\a.jpg": b"a", "images\\empty\\": b""})
    assert contents(open_tree(place)) == {"images/deep/a.jpg": b"a", "x.jpg": b"x"}


def test_links_of_a_tar_are_the_members_that_they_mean(tmp_path):
    links = [
        ("x/hard.jpg", "images/a.jpg", tarfile.LNKTYPE),
        ("x/soft.jpg", "../images/a.jpg", tarfile.SYMTYPE),
        ("x/out.jpg", "/etc/passwd", tarfile.SYMTYPE),
        ("x/gone.jpg", "gone.jpg", tarfile.SYMTYPE),
    ]
    tree = open_tree(tar(tmp_path / "a.tar", FILES, links))
    assert contents(tree) == FILES | {"x/hard.jpg": b"a", "x/soft.jpg": b"a"}
    assert problems(tree) == dict.fromkeys(("x/out.jpg", "x/gone.jpg"), "leads-out")


def flagged(place, flag):
    """The archive with a flag of its only member set, in its own header and in the list."""
    content = bytearray(place.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + offset] |= flag
    place.write_bytes(content)
    return place


def test_an_encrypted_member_is_refused_by_name(tmp_path):
    file = open_tree(flagged(zipped(tmp_path / "a.zip", {"a.jpg": b"content"}), 1)).files["a.jpg"]
    for read in (file.content, file.header, lambda: file.beginning(10)):
        with pytest.raises(InputError, match=r"^cannot read a\.jpg in .*a\.zip: it is encrypted"):
            read()


def test_a_member_packed_in_another_way_is_refused_by_name(tmp_path):
    file = open_tree(zipped(tmp_path / "a.zip", {"a.jpg": b"content"}, zipfile.ZIP_LZMA)).files["a.jpg"]
    with pytest.raises(InputError, match=r"^cannot read a\.jpg in .*a\.zip: it is compressed by method 14"):
        file.content()


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_refused_by_name_and_the_others_are_read(tmp_path, packing):
    content = bytes(range(256)) * 4
    place = zipped(tmp_path / "a.zip", {"a.jpg": content, "b.jpg": content}, packing)
    spoiled = bytearray(place.read_bytes())
    spoiled[60:64] = bytes(value ^ 0x55 for value in spoiled[60:64])
    place.write_bytes(spoiled)
    tree = open_tree(place)
    with pytest.raises(InputError, match=r"^cannot read a\.jpg in .*a\.zip: "):
        tree.content("a.jpg")
    assert tree.content("b.jpg") == content


def test_a_member_is_never_more_than_the_archive_says(tmp_path):
    """A small file that would unpack to any length."""
    place = zipped(tmp_path / "a.zip", {"a.jpg": bytes(10_000_000)})
    content = bytearray(place.read_bytes())
    at = content.index(b"PK\1\2") + 24
    content[at : at + 4] = (100).to_bytes(4, "little")
    place.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        open_tree(place).content("a.jpg")
    assert open_tree(place).files["a.jpg"].beginning(1 << 20) == bytes(100)


@pytest.mark.parametrize(("name", "kind"), [("a.zip", "zip"), ("a.tar", "tar")])
@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\3\4" + bytes(100)])
def test_what_is_no_archive_is_one_clear_line(tmp_path, name, kind, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"^cannot read .*{name} as a {kind} archive: [^\n]+$"):
        open_tree(tmp_path / name)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "A.TAR.BZ2", "a.tar.xz", "a.7z", "a.rar"])
def test_what_is_packed_as_a_whole_says_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"anything")
    assert is_archive(tmp_path / name)
    with pytest.raises(InputError, match=r"is compressed as a whole: unpack it, or pack it as \.tar or \.zip"):
        open_tree(tmp_path / name)


def test_a_place_that_is_not_there():
    with pytest.raises(InputError, match=r"^there is no file or folder '/nowhere/at/all'$"):
        open_tree(Path("/nowhere/at/all"))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\n\n \n"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_lines_are_what_a_text_says(tmp_path, ending, coding):
    (tmp_path / "a.txt").write_bytes(ending.join(["1 Bär 2.jpg ", "2 b", ""]).encode(coding))
    assert open_tree(tmp_path).lines("a.txt") == ["1 Bär 2.jpg", "2 b"]


def test_the_files_of_a_kind_are_those_that_are_there_now(tmp_path):
    (tmp_path / "c.csv").mkdir()
    for name in ("b.CSV", "a.tsv", "a.jpg"):
        (tmp_path / name).touch()
    assert [path.name for path in files_ending(tmp_path, ".csv", ".tsv")] == ["a.tsv", "b.CSV"]
    (tmp_path / "b.CSV").unlink()
    assert [path.name for path in files_ending(tmp_path, ".csv", ".tsv")] == ["a.tsv"]
    assert files_ending(tmp_path / "nowhere", ".csv") == ()


def test_a_folder_is_listed_once_however_many_pictures_ask(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("os.listdir", lambda folder, listed=os.listdir: calls.append(folder) or listed(folder))
    for _ in range(3):
        files_ending(tmp_path, ".csv")
    assert calls == [tmp_path]
