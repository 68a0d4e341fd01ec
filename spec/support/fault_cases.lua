--- What each fault does to a `PUT …/confirm`, in the process and over HTTP alike.
-- Each case has the fault; `applied`: is the booking confirmed afterwards?; what the caller gets: `status`, `failure`,
-- `sent`, `body` (a pattern); `timeout`: that of the request, in seconds.
return {
  ["close before"] = {
    fault = { what = "close", when = "before" }, applied = false, failure = "network", sent = "maybe",
  },
  ["close after"] = {
    fault = { what = "close", when = "after" }, applied = true, failure = "network", sent = "maybe",
  },
  ["truncate before"] = {
    fault = { what = "truncate", when = "before" }, applied = false,
    status = 200, failure = "response", sent = "yes", body = '^{"data',
  },
  ["truncate after"] = {
    fault = { what = "truncate", when = "after" }, applied = true,
    status = 200, failure = "response", sent = "yes", body = '^{"data":{.+[^}]$',
  },
  ["truncate after, another answer"] = {
    fault = { what = "truncate", when = "after", status = 502, body = "0123456789" }, applied = true,
    status = 502, failure = "response", sent = "yes", body = "^01234$",
  },
  ["truncate before, down to nothing"] = {
    fault = { what = "truncate", body = "x" }, applied = false,
    status = 200, failure = "response", sent = "yes", body = "^$",
  },
  ["garbage before"] = {
    fault = { what = "garbage", when = "before" }, applied = false,
    status = 200, sent = "yes", body = "^<html><body><h1>It works!</h1></body></html>$",
  },
  ["garbage after"] = {
    fault = { what = "garbage", when = "after", status = 201, body = "{junk" }, applied = true,
    status = 201, sent = "yes", body = "^{junk$",
  },
  ["garbage that is empty"] = {
    fault = { what = "garbage", when = "after", body = "" }, applied = true, status = 200, sent = "yes", body = "^$",
  },
  ["status before"] = {
    fault = { what = "status", when = "before", status = 503, headers = { ["Retry-After"] = 2 } }, applied = false,
    status = 503, sent = "yes", body = '^{"error":"a planned fault"}$', headers = { ["retry-after"] = "2" },
  },
  ["status after"] = {
    fault = { what = "status", when = "after", status = 500, body = "Oops", headers = { ["content-type"] = "text/x" } },
    applied = true, status = 500, sent = "yes", body = "^Oops$", headers = { ["content-type"] = "text/x" },
  },
  ["status without a body"] = {
    fault = { what = "status", when = "after", status = 204 }, applied = true, status = 204, sent = "yes", body = "^$",
  },
  ["a short stall before"] = {
    fault = { what = "stall", when = "before", seconds = 0.05 }, applied = true,
    status = 200, sent = "yes", body = '"confirmed"',
  },
  ["a short stall after"] = {
    fault = { what = "stall", when = "after", seconds = 0.05 }, applied = true,
    status = 200, sent = "yes", body = '"confirmed"',
  },
  ["a long stall before"] = {
    fault = { what = "stall", when = "before", seconds = 3600 }, applied = false, timeout = 0.5,
    failure = "timeout", sent = "maybe",
  },
  ["a long stall after"] = {
    fault = { what = "stall", when = "after", seconds = 3600 }, applied = true, timeout = 0.5,
    failure = "timeout", sent = "maybe",
  },
  ["an endless stall"] = {
    fault = { what = "stall", when = "after" }, applied = true, timeout = 0.5, failure = "timeout", sent = "maybe",
  },
  ["late"] = {
    fault = { what = "late" }, applied = false, failure = "network", sent = "maybe",
  },
  ["late, with an answer"] = {
    fault = { what = "late", status = 503, body = "<html>", headers = { ["content-type"] = "text/html" } },
    applied = false, status = 503, sent = "yes", body = "^<html>$", headers = { ["content-type"] = "text/html" },
  },
}
