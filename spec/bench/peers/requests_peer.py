"""requests: a session, one request after the other, decoded by json."""
import requests
import slice

session = requests.Session()
session.trust_env = False
session.headers.update({"Authorization": slice.auth, "Content-Type": "application/json"})
for _ in range(slice.total):
    answer = session.put(slice.url, data=slice.body)
    slice.answered(answer.status_code, answer.json()["data"])
slice.report()
