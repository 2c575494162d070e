"""Run a command and write its seconds and peak memory: measured.py OUTPUT COMMAND...

This runs as a separate small process, because Linux counts the memory of the parent at the start of
a child as the child's. A parent that has just written a sample would falsify the measurement.
"""

import json
import os
import signal
import subprocess
import sys
import time


def main(output: str, *command: str) -> int:
    """Run the command, write its measurements to `output`, and return its exit code."""
    # Ctrl-C goes to the command too. Here it is ignored, so that the command can end by itself.
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
