// Includes only installed headers, and calls what needs every library: the tables are opened by
// path, and a file that cannot be read ends as a finding.
#include <snapgauge/check.h>
#include <snapgauge/version.h>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::printf("snapgauge %s\n", std::string(snapgauge::kVersion).c_str());
  std::string error;
  const auto checker = snapgauge::Checker::create({}, {.database = argv[1], .directory = {}}, &error);
  if (checker == nullptr) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  const auto file = checker->check_bytes("not a graph", "nothing.json");
  return file.verdict == snapgauge::CheckVerdict::kUnreadable && file.findings.size() == 1 ? 0 : 1;
}
