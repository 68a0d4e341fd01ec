"""pycurl, json: one request in a fresh process."""
import io
import json
import os
import sys

import pycurl

answer = io.BytesIO()
easy = pycurl.Curl()
easy.setopt(pycurl.URL, sys.argv[1])
easy.setopt(pycurl.CUSTOMREQUEST, "PUT")
easy.setopt(pycurl.POSTFIELDS, os.environ["BENCH_BODY"])
easy.setopt(pycurl.HTTPHEADER, ["Authorization: " + os.environ["BENCH_AUTH"], "Content-Type: application/json"])
easy.setopt(pycurl.FAILONERROR, 1)
easy.setopt(pycurl.WRITEDATA, answer)
easy.perform()
print(json.loads(answer.getvalue())["data"]["state"])
