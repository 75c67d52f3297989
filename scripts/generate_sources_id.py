#!/usr/bin/env python3
"""Writes a number that stands for the content of files, for C++ to include.

usage: generate_sources_id.py OUTPUT FILE...
"""
import hashlib
import pathlib
import sys


def main():
    output, *paths = sys.argv[1:]
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(hashlib.sha256(pathlib.Path(path).read_bytes()).digest())
    output = pathlib.Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(f"0x{total.hexdigest()[:16]}U\n", encoding="utf-8")


if __name__ == "__main__":
    main()
