"""What is to be remembered of files that came, went or came back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from handlers.store.knowledge_files import FileState, KnowledgeFile

_EXPECTED = {FileState.THERE, FileState.GONE, FileState.ASKED, FileState.LOST, FileState.REPORTED}


def changed_files(there: Mapping[str, Path], remembered: Sequence[KnowledgeFile]) -> list[KnowledgeFile]:
    """Compare the files that are `there` with those remembered, and return what to remember instead.

    When more than half of the files are gone, or all of an only one, that is a fault: a disk that is not mounted, a
    checkout that failed. Then nothing is offered for removal.
    """
    known = {file.name: file for file in remembered}
    arrived = [
        KnowledgeFile(name, path, FileState.THERE)
        for name, path in there.items()
        if name not in known or (known[name].state, known[name].path) != (FileState.THERE, path)
    ]
    expected = [file for file in remembered if file.state in _EXPECTED]
    missing = [file for file in expected if file.name not in there]
    is_fault = 2 * len(missing) > len(expected)
    gone = [_gone(file, is_fault=is_fault) for file in missing]
    return [*arrived, *(after for before, after in zip(missing, gone, strict=True) if before != after)]


def _gone(file: KnowledgeFile, *, is_fault: bool) -> KnowledgeFile:
    """Keep what admins were told already."""
    if file.state.is_unexplained and file.state.is_fault == is_fault:
        return file
    return KnowledgeFile(file.name, file.path, FileState.LOST if is_fault else FileState.GONE)
