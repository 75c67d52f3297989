// Judges graphs inside a program: check_in_process [--soc SOC] FILE...
// Exit codes are those of the command line: 0 all accepted, 1 not so, 2 unreadable or wrong usage.
#include <snapgauge/check.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

int exit_code(snapgauge::CheckVerdict verdict) {
  if (verdict == snapgauge::CheckVerdict::kUnreadable) return 2;
  return verdict == snapgauge::CheckVerdict::kAccepted ? 0 : 1;
}

void print(const snapgauge::CheckedFile& file) {
  for (const snapgauge::CheckFinding& f : file.findings) {
    std::printf("%s:%u: %s %s %s: %s\n", file.path.c_str(), f.line, f.level.c_str(), f.code.c_str(), f.node.c_str(),
                f.message.c_str());
    std::printf("  expected %s\n  actual   %s\n", f.expected.c_str(), f.actual.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  snapgauge::CheckTarget target;
  if (files.size() > 1 && files[0] == "--soc") {
    target.soc = files[1];
    files.erase(files.begin(), files.begin() + 2);
  }
  std::string error = "usage: check_in_process [--soc SOC] FILE...";
  const auto checker = files.empty() ? nullptr : snapgauge::Checker::create(target, {SNAPGAUGE_DATABASE, ""}, &error);
  if (!checker) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 2;
  }
  int code = 0;
  for (const std::string& path : files) {
    const snapgauge::CheckedFile file = checker->check_file(path);
    print(file);
    code = std::max(code, exit_code(file.verdict));
  }
  return code;
}
