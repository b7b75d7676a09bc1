"""Archives (.tar, .zip) as the files in them, which are read where they lie: nothing is unpacked."""

from __future__ import annotations

import posixpath
import tarfile
import zipfile
from pathlib import Path

from dogcam.core.errors import InputError, first_line
from dogcam.data import Problem
from dogcam.data.images import FileSlice, Stored, ZipMember, printable

ARCHIVES = (".tar", ".zip")
PACKED = (".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")  # whose members cannot be read where they lie
_SAYS_UTF8 = 0x800  # the flag of a zip's member whose name is UTF-8


def is_archive(path: Path) -> bool:
    """Whether a file's name is an archive's, of one that can be read where it lies or not."""
    return path.name.lower().endswith((*ARCHIVES, *PACKED))


def zip_members(archive: Path) -> dict[str, Stored]:
    """The files of a zip archive by path, with slashes.

    Raises:
        InputError: it is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise InputError(f"cannot read {archive} as a zip archive: {first_line(error)}; fetch it again") from error
    files = {printable(_named(each).replace("\\", "/")).removeprefix("./"): _zip_member(archive, each) for each in members}
    return {path: file for path, file in files.items() if not path.endswith("/")}


def _named(member: zipfile.ZipInfo) -> str:
    """A member's name. macOS writes UTF-8 and does not say so; what is read as the code page of DOS is none by chance then."""
    if member.flag_bits & _SAYS_UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _zip_member(archive: Path, member: zipfile.ZipInfo) -> ZipMember:
    refusal = ""
    if member.flag_bits & 1:
        refusal = "it is encrypted: pack it without a password"
    elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refusal = f"it is compressed by method {member.compress_type}, neither stored nor deflated: pack it anew"
    deflated = member.compress_type == zipfile.ZIP_DEFLATED
    sizes = member.header_offset, member.compress_size, member.file_size
    return ZipMember(archive, printable(member.filename), *sizes, member.CRC, deflated, refusal)


def tar_members(archive: Path, refused: list[Problem] | None = None) -> dict[str, FileSlice]:
    """The files of a tar archive by path; nothing is unpacked. A link to another member is that member.

    Args:
        refused: gets the links that lead to none.

    Raises:
        InputError: it is compressed, damaged or cut short.
    """
    try:
        with tarfile.open(archive, "r:") as opened:
            members = [member for member in opened if member.isfile() or member.islnk() or member.issym()]
        _require_end(archive, opened.offset)
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"cannot read {archive} as a tar archive: {error}; fetch it again") from error
    named = [(printable(member.name).removeprefix("./"), member) for member in members]
    files = {name: FileSlice(archive, each.offset_data, each.size, name) for name, each in named if each.isfile()}
    for name, each in named:
        if not each.isfile():
            start = posixpath.dirname(name) if each.issym() else ""
            target = posixpath.normpath(posixpath.join(start, printable(each.linkname)))
            if target in files:
                files[name] = files[target]
            elif refused is not None:
                refused.append(Problem(name, f"a link to {target}, which is no file of the archive", kind="leads-out"))
    return files


def _require_end(archive: Path, offset: int) -> None:
    """Nothing but zeros may follow `offset`, where reading stopped: tarfile takes a broken header for the end, silently.

    Raises:
        InputError: there is more.
    """
    with archive.open("rb") as file:
        file.seek(offset)
        while block := file.read(1 << 20):
            if block.strip(b"\0"):
                raise InputError(f"{archive} is damaged at byte {offset}: what follows cannot be read; fetch it again")
