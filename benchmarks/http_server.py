"""The HTTP door in a process of its own: http_server.py DATABASE. It prints its port."""

import asyncio
import sys
from pathlib import Path

from hitparade.serve.audit import Audit
from hitparade.serve.http import HttpDoor, HttpSettings, create_app
from hitparade.serve.pool import Pool
from hitparade.serve.users import nobody_asks

WORKERS = 2
LARGE = 4 << 30


async def main(database: Path) -> None:
    """Serve until standard input ends."""
    users = nobody_asks()
    pool = Pool(database, WORKERS, 1, users.schemas, users.memories, LARGE)
    await pool.start()
    settings = HttpSettings(port=0)
    door = HttpDoor(create_app(pool, users, Audit(None), settings), settings)
    await door.start()
    print(door.port, *pool.pids(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await door.stop()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
