"""What is taken of errors that others raise."""

import pytest

from dogcam.core.errors import first_line


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n  \n  said late \nmore"), "said late"),
        (ValueError(""), "ValueError"),
        (NotImplementedError(), "NotImplementedError"),
        (
            RuntimeError("Exception encountered when calling A.call().\n\n\x1b[1mwhat is wrong\x1b[0m\n\nArguments"),
            "what is wrong",
        ),
        (RuntimeError("Exception encountered when calling A.call()."), "Exception encountered when calling A.call()."),
    ],
)
def test_the_first_line_that_says_something_or_the_type(error, words):
    assert first_line(error) == words
