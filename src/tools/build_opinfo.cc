// Builds the op-info database: snapgauge_build_opinfo OPINFO_DIR RULES_DIR OUT
#include <cstdio>

#include "opinfo/database.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s OPINFO_DIR RULES_DIR OUT\n", argv[0]);
    return 2;
  }
  const snapgauge::Status built = snapgauge::build_database(argv[1], argv[2], argv[3]);
  if (built) return 0;
  std::fprintf(stderr, "error: %s\n", built.error().message().c_str());
  return 2;
}
