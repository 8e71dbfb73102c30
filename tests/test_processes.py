"""A process that needs not import Kotae again does what Python does with the same arguments, files and signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.processes import IS_POSSIBLE, Python, run

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "GREETING": "こんにちは"}
SCRIPTS = {
    "what it is given": "import os, sys; print(sys.argv, os.getcwd(), sorted(set(os.environ) - {'LC_CTYPE'}))",
    "its input": "import sys; print(input('? '), sys.stdin.read(), file=sys.stderr)",
    "its name": "print(__name__); import __main__; print(__main__.__name__)",
    "other characters": "import os; print(os.environ['GREETING'])",
    "an exit code": "import sys; print('before'); sys.exit(3)",
    "words at the end": "import sys; sys.exit('too bad')",
    "an exception": "def wrong():\n    raise ValueError('too bad')\nwrong()",
    "an interruption": "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
    "a death": "import os, signal; print('not seen', end=''); os.kill(os.getpid(), signal.SIGKILL)",
    "threads": "import threading, time; threading.Thread(target=lambda: (time.sleep(.2), print('late'))).start()",
    "the end": "import atexit; atexit.register(print, 'at last'); print('first')",
    "a child": "import subprocess; print(subprocess.run(['sh', '-c', 'exit 7']).returncode)",
    "a child's signal": "import signal; print(signal.getsignal(signal.SIGCHLD), signal.getsignal(signal.SIGINT))",
    "its files": "import os; print(sorted(int(each) for each in os.listdir('/proc/self/fd'))[:3])",
    "another folder": "import sys; print(sys.path[0] in ('', '.') or sys.path[0] == __import__('os').getcwd())",
}


def done(process: "subprocess.Popen[bytes]", said: bytes = b"") -> tuple[int, bytes, list[bytes]]:
    """The exit code, what was written, and the last line of what went wrong: the frames above differ."""
    out, errors = process.communicate(said, timeout=60)
    return process.returncode, out, errors.splitlines()[-1:]


@pytest.mark.skipif(not IS_POSSIBLE, reason="Linux hands files over")
@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_as_a_process_of_its_own(script: str, tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    options: dict[str, Any] = {"cwd": tmp_path, "env": ENVIRONMENT, "stdin": pipe, "stdout": pipe, "stderr": pipe}
    code, said = SCRIPTS[script], "1行目\n2\n".encode()
    itself = done(subprocess.Popen([sys.executable, "-c", code, "a", "b c"], **options), said)
    assert done(Python("-c", code, "a", "b c", **options), said) == itself
    assert any(itself)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_its_number_is_its_own_and_signals_reach_it(number: int) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with Python[str]("-c", code, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
        process.send_signal(number)
        assert process.wait(10) == -number
        assert process.poll() == -number


def test_a_command_is_run_with_the_settings_that_it_is_given_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("question,answer\nWhere is lunch?,In the canteen.\n", encoding="utf-8")
    found = run("-m", "bot", "search", "faq.csv", "lunch", cwd=tmp_path, env={"ENCODER_BACKEND": "lexical"})
    assert (found.returncode, found.stderr) == (0, "")
    assert "In the canteen." in found.stdout
    wrong = run("-m", "bot", "search", "faq.csv", "lunch", cwd=tmp_path, env={"ENCODER_BACKEND": "none"})
    assert wrong.returncode == 1
    assert "ENCODER_BACKEND" in wrong.stderr


def test_many_at_once() -> None:
    code = "import sys; print(sys.stdin.read())"
    started = time.monotonic()
    running = [Python[str]("-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(12)]
    said = [each.communicate(f"number {number}", timeout=60)[0] for number, each in enumerate(running)]
    assert said == [f"number {number}\n" for number in range(12)]
    assert [each.returncode for each in running] == [0] * 12
    assert time.monotonic() - started < 60


def test_with_other_modules_it_begins_by_itself(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['fastapi'] = None\n")
    found = run("-c", "import sys; print('fastapi' in sys.modules, len(sys.argv))", "a", env={"PYTHONPATH": tmp_path})
    assert (found.returncode, found.stdout) == (0, "True 2\n")
