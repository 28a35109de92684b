"""The worker: writes each word backwards."""

import time

from link import Link

while True:
    try:
        link = Link()
        while True:
            job = link.ask("TAKE")
            link.ask(f"DONE {job} {job[::-1]}")
    except OSError:
        time.sleep(1)
