"""A slice of load, in Python: what the peers share. The arguments and the environment are those of slice.h."""
import os
import sys
import time

url, protocol = sys.argv[1], sys.argv[2]
in_flight, warmup, count = (int(text) for text in sys.argv[3:6])
total = warmup + count
body = os.environ["BENCH_BODY"].encode()
auth = os.environ["BENCH_AUTH"]
ca_file = os.environ.get("BENCH_CA")

_finished = 0
_began = None


def answered(status, booking):
    """A request was answered; ends the program unless it is with the booking that is expected."""
    global _began, _finished
    if status != 200 or booking["state"] != "confirmed" or len(booking["customers"]) != 11:
        sys.exit("an answer that was not expected")
    _finished += 1
    if _finished == warmup:
        _began = time.monotonic(), time.process_time()


def report():
    """Prints what came of it."""
    seconds, cpu = time.monotonic() - _began[0], time.process_time() - _began[1]
    if _finished != total:
        sys.exit("%d requests instead of %d" % (_finished, total))
    print("%d %.6f %.6f" % (count, seconds, cpu))
