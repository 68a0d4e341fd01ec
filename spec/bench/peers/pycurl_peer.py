"""pycurl: the easy interface for one request at a time, the multi interface for more; decoded by json."""
import io
import json
import sys

import pycurl
import slice


def prepare():
    easy = pycurl.Curl()
    easy.setopt(pycurl.URL, slice.url)
    easy.setopt(pycurl.CUSTOMREQUEST, "PUT")
    easy.setopt(pycurl.POSTFIELDS, slice.body)
    easy.setopt(pycurl.HTTPHEADER, ["Authorization: " + slice.auth, "Content-Type: application/json"])
    easy.setopt(pycurl.PROXY, "")
    easy.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    if slice.ca_file:
        easy.setopt(pycurl.CAINFO, slice.ca_file)
    return easy


def renew(easy):
    easy.answer = io.BytesIO()
    easy.setopt(pycurl.WRITEDATA, easy.answer)


def answered(easy):
    slice.answered(easy.getinfo(pycurl.RESPONSE_CODE), json.loads(easy.answer.getvalue())["data"])


def one_after_the_other():
    easy = prepare()
    for _ in range(slice.total):
        renew(easy)
        easy.perform()
        answered(easy)


def many_at_once():
    multi = pycurl.CurlMulti()
    started = finished = 0
    idle = [prepare() for _ in range(slice.in_flight)]
    while finished < slice.total:
        while idle and started < slice.total:
            easy = idle.pop()
            renew(easy)
            multi.add_handle(easy)
            started += 1
        while multi.perform()[0] == pycurl.E_CALL_MULTI_PERFORM:
            pass
        _, done, failed = multi.info_read()
        if failed:
            sys.exit(str(failed[0][1:]))
        for easy in done:
            answered(easy)
            multi.remove_handle(easy)
            idle.append(easy)
        finished += len(done)
        if not done:
            multi.select(1.0)


if slice.in_flight == 1:
    one_after_the_other()
else:
    many_at_once()
slice.report()
