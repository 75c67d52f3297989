"""Runs every line of the table in data/demo/README.md: demo.py PROGRAM, in that folder."""
import json
import re
import subprocess
import sys

program = sys.argv[1]
lines = failed = 0
for row in open("README.md", encoding="utf-8"):
    found = re.match(r"\| `(check|decode) (.*?)` \| (.*?) \|", row)
    if not found:
        continue
    lines += 1
    verb, options, says = found.groups()
    run = subprocess.run([program, verb, *options.split(), "--output-format", "json"], capture_output=True, check=False)
    report = json.loads(run.stdout)
    if verb == "decode":
        answers = {rule["code"] for m in report["messages"] for rule in m["rules"]}
        seen = says in answers
    elif says == "accepted":
        findings = report["files"][0]["findings"]
        answers = [f["code"] for f in findings if f["level"] != "note" or f["code"] >= "SG8"]
        seen = report["files"][0]["verdict"] == "accepted" and not answers
    else:
        answers = [f"{f['code']} {f['node']} {f.get('port', '')}" for f in report["files"][0]["findings"]]
        seen = says in answers
    if not seen:
        print(f"{row.strip()}\n  says {answers}")
        failed = 1
assert lines >= 19, lines
sys.exit(failed)
