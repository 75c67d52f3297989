#!/usr/bin/env python3
"""What scripts/generate_options.py refuses in a row, and that it names the file and the row."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OPTIONS, REFUSED, BACKENDS = (f"options/{name}.toml" for name in ("options", "refused", "backends"))

# (file, row as it is named, what is replaced, by what, what is said)
FAULTS = [
    (OPTIONS, "lpai_fps", 'compile = "fps"\n', 'compil = "fps"\n', "unknown key compil"),
    (OPTIONS, "lpai_fps", 'flag = "lpai-fps"\n', "", "missing flag"),
    (OPTIONS, "lpai_fps", 'flag = "lpai-fps"', 'flag = "lpai_fps"', "flag is not kebab-case"),
    (OPTIONS, "lpaiFps", 'id = "lpai_fps"', 'id = "lpaiFps"', "id is not snake_case"),
    (OPTIONS, "lpai_ftrt_ratio", 'id = "lpai_ftrt_ratio"\ncompile = "ftrt_ratio"', 'id = "lpai_ftrt_ratio"\ncompile = "fps"',
     "compile of lpai, fps stands in lpai_fps too"),
    (OPTIONS, "lpai_ftrt_ratio", "qnn_runtime_lpai_ftrt_ratio", "qnn_runtime_lpai_fps", "stands in lpai_fps too"),
    (OPTIONS, "lpai_ftrt_ratio", 'flag = "lpai-ftrt-ratio"', 'flag = "lpai-fps"', "flag lpai-fps stands in lpai_fps too"),
    (OPTIONS, "lpai_fps", 'id = "lpai_ftrt_ratio"', 'id = "lpai_fps"', "id lpai_fps stands in lpai_fps too"),
    (OPTIONS, "lpai_fps", "min = 1\ndefault = 1\n", "min = 1\ndefault = 0\n", "default 0 is no value"),
    (OPTIONS, "vtcm_size_in_mb", "max = 16\ndefault = 0", "max = 16\ndefault = 17", "default 17 is no value"),
    (OPTIONS, "lpai_affinity", 'default = "soft"', 'default = "undefined"', "default 'undefined' is no value"),
    (OPTIONS, "use_dlbc", 'flag = "dlbc"\nbackends = ["htp"]\ntype = "boolean"\ndefault = false',
     'flag = "dlbc"\nbackends = ["htp"]\ntype = "boolean"\ndefault = 0', "default 0 is no value"),
    (OPTIONS, "lpai_affinity", "{soft = 1, hard = 2}", "{soft = 0, hard = 2}", "0 is the undefined member's number"),
    (OPTIONS, "lpai_affinity", "{soft = 1, hard = 2}", "{soft = 1, hard = 1}", "two values have one number"),
    (OPTIONS, "lpai_affinity", "{soft = 1, hard = 2}", "{soft = 1, So-ft = 2}", "two values have one name"),
    (OPTIONS, "lpai_fps", '"lapi_fps", ', '"qnn_runtime_lpai_affinity", ', "is a real name"),
    (OPTIONS, "lpai_ftrt_ratio", '"lapi_ftrt_ratio", ', '"lapi_fps", ', "former lapi_fps stands in lpai_fps too"),
    (OPTIONS, "lpai_fps", 'type = "integer"\nmin = 1', 'type = "mask"\nmin = 1', "min belongs to integer"),
    (OPTIONS, "lpai_fps", 'type = "integer"\nmin = 1', 'type = "number"\nmin = 1', "type is one of"),
    (OPTIONS, "lpai_fps", "min = 1\n", "min = 1\nmax = 2147483648\n", "min and max do not lie within"),
    (OPTIONS, "lpai_fps", "qnn_runtime_lpai_fps", "qnn_runtime_lpai_fps" + "x" * 44, "run is longer than 63 bytes"),
    (OPTIONS, "lpai_target_env", 'compile = "target_env"\n', "", "nobody could set it"),
    (OPTIONS, "lpai_target_env", 'backends = ["lpai"]\ntype = "enum"\nvalues = {x86', 'backends = ["dsp"]\ntype = "enum"\nvalues = {x86',
     "backends are among htp, gpu, lpai"),
    (OPTIONS, "lpai_target_env", 'default = "arm"\ndefault_from = "generator"', 'default = "arm"\ndefault_from = "memory"',
     "default_from is one of"),
    (OPTIONS, "saver", 'source = ["schema", "generator"]\n\n[[option]]\nid = "saver_output_dir"',
     'source = ["hearsay"]\n\n[[option]]\nid = "saver_output_dir"', "source names no entry"),
    (REFUSED, "row 1 (online_prepare, use_multi_context)", "use_multi_contexts", "use_multi_context", "no option use_multi_context"),
    (REFUSED, "row 1 (online_prepare, use_multi_contexts)", 'true}\nbackends = ["htp"]', 'true}\nbackends = ["gpu"]',
     "use_multi_contexts is no option of gpu"),
    (REFUSED, "row 1 (online_prepare, use_multi_contexts)", "use_multi_contexts = true", "use_multi_contexts = 1",
     "use_multi_contexts takes no 1"),
    (REFUSED, "row 1 (online_prepare, use_multi_contexts)", 'level = "error"', 'level = "fatal"', "level is one of"),
    (REFUSED, "row 2 (online_prepare)", "when = {online_prepare = true}", "when = {online_prepare = false}", "refuses what nobody set"),
    (REFUSED, "row 4 (dump_intermediate_outputs, profile_level)", '["basic", ', '["some", ', "profile_level takes no"),
    (BACKENDS, "lpai", "cores = 2", "cores = 64", "cores is a small number"),
    (BACKENDS, "lpai", "cores = 2\n", "", "its keys are"),
    (BACKENDS, "gpu", 'source = ["runtime"]\n\n[[backend]]\nname = "lpai"', 'source = ["hearsay"]\n\n[[backend]]\nname = "lpai"', "source names no"),
    (BACKENDS, "all rows", 'name = "gpu"', 'name = "dsp"', "the backends are htp, gpu, lpai"),
]


def generate(rules, out):
    return subprocess.run([sys.executable, "scripts/generate_options.py", rules, out], cwd=ROOT, capture_output=True,
                          encoding="utf-8", timeout=60)


def main():
    with tempfile.TemporaryDirectory() as folder:
        rules, out = pathlib.Path(folder, "rules"), pathlib.Path(folder, "out")
        for name in (OPTIONS, REFUSED, BACKENDS, "targets/soc-table.json"):
            (rules / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "rules" / name, rules / name)
        done = generate(rules, out)
        assert done.returncode == 0 and not done.stderr, done.stderr
        for file, row, old, new, said in FAULTS:
            text = (rules / file).read_text(encoding="utf-8")
            assert old in text, (file, old)
            (rules / file).write_text(text.replace(old, new, 1), encoding="utf-8")
            done = generate(rules, out)
            (rules / file).write_text(text, encoding="utf-8")
            assert done.returncode == 1, (new, done.stderr)
            assert done.stderr.startswith(f"{rules / file}: {row}: ") and said in done.stderr, (new, done.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
