"""requests: one request in a fresh process."""
import os
import sys

import requests

answer = requests.put(sys.argv[1], data=os.environ["BENCH_BODY"], headers={
    "Authorization": os.environ["BENCH_AUTH"], "Content-Type": "application/json"})
answer.raise_for_status()
print(answer.json()["data"]["state"])
