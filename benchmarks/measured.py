"""Run a command and write its seconds and peak memory: measured.py OUTPUT COMMAND...

A process of its own and a small one: Linux counts what a parent held at the start of its child as
the child's, so a parent that has made a sample would be measured instead.
"""

import json
import os
import signal
import subprocess
import sys
import time


def main(output: str, *command: str) -> int:
    """Return what the command returned."""
    # The command gets Ctrl-C itself, and is waited for.
    signal.signal(signal.SIGINT, lambda *_: None)
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    found = {
        "seconds": time.perf_counter() - started,
        "peak_memory_mb": usage.ru_maxrss * unit / 1e6,
    }
    with open(output, "w", encoding="utf-8") as file:
        json.dump(found, file)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
