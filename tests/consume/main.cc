// Includes only installed headers, and calls enough to need the libraries.
#include <snapgauge/version.h>

#include <cstdio>

int main() {
  std::printf("snapgauge %.*s\n", static_cast<int>(snapgauge::kVersion.size()), snapgauge::kVersion.data());
  return snapgauge::kVersion.empty() ? 1 : 0;
}
