"""Runs each line of the crontab every so many seconds."""

import subprocess
import time

with open("/app/crontab") as table:
    jobs = [line.split(maxsplit=1) for line in table if line.strip() and not line.startswith("#")]
for tick in range(10**9):
    for seconds, command in jobs:
        if tick % int(seconds) == 0:
            subprocess.run(command, shell=True, check=False)
    time.sleep(1)
