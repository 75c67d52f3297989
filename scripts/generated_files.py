"""What the generators of committed files share: writing them, or with --check saying which are stale."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def settle(usage, pages, folder=None):
    """Exit code. `pages` is path -> text; pages of `folder` that are not among them go away."""
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(usage)
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    left = [p for p in sorted(folder.glob("*.md")) if p not in pages] if folder else []
    if sys.argv[1:]:
        for path in stale + left:
            print(f"{path.relative_to(ROOT)}: stale; run scripts/generate")
        return 1 if stale or left else 0
    for path in left:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path], encoding="utf-8")
    return 0
